// Panels that are text: numbers (stat) and tables.
import { fieldOf, format, level } from "./fields.js";
import { say } from "./texts.js";

export function drawStat(body, panel, result) {
  const shown = result.columns.map((column, at) => ({ column, at, field: fieldOf(panel, column) })).filter(({ column }) => column.name !== "time");
  const many = shown.length > 1;
  body.className = many ? "body stat many" : "body stat";
  body.replaceChildren(...shown.map(({ column, at, field }) => {
    const values = result.rows.map((row) => row[at]);
    const value = values.findLast((one) => one !== null) ?? null;
    const cell = element("div", "number");
    cell.dataset.column = column.name;
    cell.dataset.kind = column.kind;
    cell.dataset.value = value ?? "";
    if (many) cell.append(element("span", "name", field.title));
    if (field.description) cell.title = field.description;
    const text = element("span", "value", format(value, field));
    const color = level(value, field);
    if (color && panel.options.colorMode === "background") cell.style.background = `var(${color}-soft)`;
    if (color) text.style.color = `var(${color})`;
    cell.append(text);
    if (panel.options.graphMode === "area" && values.length > 1) cell.append(sparkline(values));
    return cell;
  }));
}

function sparkline(values) {
  const known = values.map((value) => value ?? 0);
  const most = Math.max(...known, 1);
  const points = known.map((value, at) => `${(at / (known.length - 1)) * 100},${30 - (value / most) * 28}`).join(" ");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "sparkline");
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, drawn] of [["polygon", `0,30 ${points} 100,30`], ["polyline", points]]) {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
    shape.setAttribute("points", drawn);
    svg.append(shape);
  }
  return svg;
}

export function drawTable(body, panel, result) {
  const fields = result.columns.map((column) => fieldOf(panel, column));
  fields.forEach((field, at) => { if (result.columns[at].kind === "time") field.unit ??= "dateTimeAsIso"; });
  const table = element("table");
  const head = table.createTHead().insertRow();
  fields.forEach((field, at) => {
    const cell = element("th", result.columns[at].kind, field.title);
    cell.scope = "col";
    if (field.description) cell.title = field.description;
    head.append(cell);
  });
  const most = fields.map((field, at) => field.cell?.type === "gauge" ? Math.max(...result.rows.map((row) => row[at] ?? 0), 0) : 0);
  const rows = table.createTBody();
  for (const row of result.rows) {
    const line = rows.insertRow();
    row.forEach((value, at) => {
      const field = fields[at];
      const cell = line.insertCell();
      cell.className = result.columns[at].kind;
      cell.dataset.column = result.columns[at].name;
      cell.dataset.value = value ?? "";
      cell.textContent = format(value, field);
      const color = level(value, field);
      if (field.cell?.type === "color-background" && color) cell.style.background = `var(${color}-soft)`;
      else if (color) cell.style.color = `var(${color})`;
      if (field.cell?.type === "gauge" && most[at] > 0) {
        const share = (100 * Math.max(value ?? 0, 0)) / most[at];
        cell.style.background = `linear-gradient(to right, var(--bar) ${share}%, transparent ${share}%)`;
      }
    });
  }
  body.className = "body table";
  const at = body.scrollTop;
  body.replaceChildren(result.rows.length ? table : element("p", "none", say("none")));
  body.scrollTop = at;
}

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
