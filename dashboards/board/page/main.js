// The page: reads a dashboard's file, asks for each panel's own statement, draws, and again.
import { clearChart, drawChart } from "./charts.js";
import { buildControls } from "./controls.js";
import { drawStat, drawTable, element } from "./grids.js";
import { addressOf, milliseconds, moment, readAddress } from "./state.js";
import { language, say, speak } from "./texts.js";

const state = readAddress();
const panels = document.getElementById("panels");
const freshness = document.getElementById("freshness");
let model;
let controls;
let generation = 0;
let answered = 0;

async function fetchJson(path, body) {
  const answer = await fetch(path, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error ?? answer.statusText);
  return found;
}

const range = () => ({ from: moment(state.from ?? model.time.from), to: moment(state.to ?? model.time.to) });

const asked = (more) => ({ dashboard: state.uid, ...range(), variables: controls.values(), ...more });

async function open(uid) {
  state.uid = uid;
  generation++;
  model = await fetchJson(`/api/dashboards/${encodeURIComponent(uid)}`);
  document.title = `${model.title} · livepulse`;
  for (const link of document.querySelectorAll("nav a")) link.toggleAttribute("aria-current", link.dataset.uid === uid);
  for (const body of panels.querySelectorAll(".chart")) clearChart(body);
  panels.replaceChildren(...model.panels.map(frame));
  controls = buildControls(document.getElementById("controls"), model, state, {
    options: (name, variables) => fetchJson("/api/query", { dashboard: uid, ...range(), variables, variable: name }),
    changed: () => { remember(); generation++; run(); },
  });
  await controls.load();
  remember();
  run();
}

function remember() {
  state.variables = controls.chosen();
  history.replaceState(null, "", addressOf(state));
  for (const link of document.querySelectorAll("nav a")) link.href = addressOf({ ...state, uid: link.dataset.uid, refresh: null });
}

function frame(panel) {
  const section = element("section", "panel");
  section.id = `panel-${panel.id}`;
  section.dataset.panel = panel.id;
  section.dataset.type = panel.type;
  const { x, y, w, h } = panel.gridPos;
  section.style.setProperty("--place", `${y + 1} / ${x + 1} / span ${h} / span ${w}`);
  section.style.setProperty("--rows", h);
  const title = element("h2", "", panel.title);
  title.id = `title-${panel.id}`;
  section.setAttribute("aria-labelledby", title.id);
  if (panel.description) {
    const about = element("button", "about", "i");
    about.type = "button";
    about.title = panel.description;
    about.setAttribute("aria-label", panel.description);
    title.append(about);
  }
  section.append(title, element("div", "body"), element("p", "error"));
  return section;
}

// One round: every panel asks at once; the next round begins when this one has ended and the interval is over.
async function run() {
  const own = generation;
  while (own === generation) {
    const began = Date.now();
    if (!document.hidden) {
      await Promise.all(model.panels.map((panel) => update(panel, own)));
      controls.load().catch(() => {});
    }
    const every = milliseconds(state.refresh ?? model.refresh);
    if (!every) return;
    await new Promise((resume) => setTimeout(resume, Math.max(100, began + every - Date.now())));
  }
}

async function update(panel, own) {
  const section = document.getElementById(`panel-${panel.id}`);
  const [, body, error] = section.children;
  const seconds = (range().to - range().from) / 1000;
  const points = Math.max(20, body.clientWidth / 4);
  let failed = "";
  try {
    const result = await fetchJson("/api/query", asked({ panel: panel.id, interval_seconds: Math.max(10, Math.ceil(seconds / points / 10) * 10) }));
    if (own !== generation) return;
    const draw = { stat: drawStat, table: drawTable }[panel.type] ?? drawChart;
    draw(body, panel, result, range());
    answered = Date.now();
    section.dataset.updated = answered;
  } catch (problem) {
    failed = problem.message;
  }
  if (own !== generation) return;
  error.textContent = failed;
  section.classList.toggle("failed", Boolean(failed));
}

function showFreshness() {
  const age = Math.round((Date.now() - answered) / 1000);
  const late = answered && age > 10;
  freshness.className = late ? "late" : "";
  freshness.textContent = answered ? `${late ? say("stale") : say("updated")} ${age} ${say("ago")}` : "";
}

document.getElementById("theme").addEventListener("click", () => {
  const chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem("theme", chosen);
  generation++;
  run();
});

async function start() {
  const { language: chosen, dashboards } = await fetchJson("/api/dashboards");
  speak(chosen);
  document.getElementById("theme").title = say("theme");
  document.getElementById("theme").setAttribute("aria-label", say("theme"));
  document.getElementById("dashboards").append(...dashboards.map(({ uid, title }) => {
    const link = element("a", "", title);
    link.dataset.uid = uid;
    link.href = addressOf({ ...state, uid });
    return link;
  }));
  setInterval(showFreshness, 1000);
  await open(state.uid ?? dashboards[0].uid);
}

start().catch((problem) => panels.replaceChildren(element("p", "error", `${problem.message} (${language})`)));
