// The pickers above the panels: variables, time range, refresh.
import { element } from "./grids.js";
import { ALL } from "./state.js";
import { say } from "./texts.js";

const RANGES = ["5m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "7d", "30d", "90d"];
const REFRESHES = ["", "1s", "2s", "5s", "10s", "30s", "1m", "5m"];

export function buildControls(place, model, state, { options, changed }) {
  const pickers = model.templating.list.filter(({ type }) => type === "query").map((variable) => picker(variable, state.variables[variable.name] ?? [ALL], () => loadFrom(variable.name).then(changed)));

  const values = () => Object.fromEntries(pickers.map((one) => [one.name, one.values()]));

  async function load(after = null) {
    let due = after === null;
    for (const one of pickers) {
      if (due) one.offer((await options(one.name, values())).rows.map(([value]) => String(value)));
      due ||= one.name === after;
    }
  }
  const loadFrom = (name) => load(name);

  const from = state.from ?? model.time.from;
  const span = select(say("from"), [...new Set([...RANGES, ...(/^now-\w+$/.test(from) ? [from.slice(4)] : [])])].map((one) => [`now-${one}`, `${say("last")} ${one.slice(0, -1)} ${say("units")[one.at(-1)]}`.replace(/ 1 (\w+)s$/, " 1 $1")]), from);
  if (!/^now-/.test(from)) span.prepend(new Option(say("custom"), from, true, true));
  span.addEventListener("change", () => { state.from = span.value; state.to = "now"; changed(); });
  const refresh = select(say("refresh"), REFRESHES.map((one) => [one, one || say("off")]), state.refresh ?? model.refresh ?? "");
  refresh.addEventListener("change", () => { state.refresh = refresh.value || "0s"; changed(); });

  place.replaceChildren(...pickers.map(({ node }) => node), span, refresh);
  return { values, chosen: () => Object.fromEntries(pickers.map((one) => [one.name, one.chosen()])), load };
}

function select(label, choices, chosen) {
  const made = element("select");
  made.setAttribute("aria-label", label);
  made.title = label;
  made.append(...choices.map(([value, text]) => new Option(text, value, value === chosen, value === chosen)));
  return made;
}

// Several values or all of them; a list with a box for each, opened from a button.
function picker(variable, initial, changed) {
  let known = [];
  let chosen = new Set(initial);
  const node = element("details", "picker");
  node.dataset.variable = variable.name;
  const summary = element("summary");
  const list = element("div", "options");
  const find = element("input");
  find.type = "search";
  find.placeholder = say("find");
  find.setAttribute("aria-label", say("find"));
  find.addEventListener("input", show);
  const boxes = element("div", "boxes");
  list.append(find, boxes);
  node.append(summary, list);
  document.addEventListener("click", (event) => node.contains(event.target) || (node.open = false));
  node.addEventListener("keydown", ({ key }) => { if (key === "Escape") { node.open = false; summary.focus(); } });

  function label() {
    const names = [...chosen];
    const text = chosen.has(ALL) ? say("all") : names.length > 2 ? `${names.slice(0, 2).join(", ")} +${names.length - 2}` : names.join(", ");
    summary.textContent = `${variable.label ?? variable.name}: ${text}`;
  }

  function toggle(value, on) {
    if (value === ALL) chosen = new Set([ALL]);
    else {
      chosen.delete(ALL);
      if (on) chosen.add(value); else chosen.delete(value);
      if (!chosen.size) chosen.add(ALL);
    }
    label();
    show();
    changed();
  }

  function show() {
    const wanted = find.value.toLowerCase();
    const missing = [...chosen].filter((value) => value !== ALL && !known.includes(value));
    const all = [[ALL, say("all")], ...[...missing, ...known].map((value) => [value, value])];
    boxes.replaceChildren(...all.filter(([, text]) => text.toLowerCase().includes(wanted)).slice(0, 500).map(([value, text]) => {
      const line = element("label");
      const box = element("input");
      box.type = "checkbox";
      box.checked = chosen.has(value);
      box.addEventListener("change", () => toggle(value, box.checked));
      line.append(box, ` ${text}`);
      return line;
    }));
  }

  label();
  return {
    name: variable.name,
    node,
    values: () => (chosen.has(ALL) ? known : [...chosen]),
    chosen: () => [...chosen],
    offer(values) {
      if (values.length === known.length && values.every((value, at) => value === known[at])) return;
      known = values;
      if (!node.open || !boxes.childElementCount) show();
    },
  };
}
