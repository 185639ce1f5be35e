// A column of a panel as its field configuration wants it: what it is called, and how a value is written and coloured.
import { language } from "./texts.js";

const MOMENT = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
const COLORS = { green: "--good", orange: "--warning", red: "--critical" };

export function fieldOf(panel, column) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const field = { title: column.name, unit: defaults.unit, decimals: defaults.decimals, noValue: defaults.noValue ?? "–" };
  for (const { matcher, properties } of overrides) {
    if (matcher.id !== "byName" || matcher.options !== column.name) continue;
    for (const { id, value } of properties) {
      if (id === "displayName") field.title = value;
      else if (id === "custom.cellOptions") field.cell = value;
      else field[id] = value;
    }
  }
  return field;
}

export function format(value, field) {
  if (value === null || value === undefined) return field.noValue;
  for (const mapping of field.mappings ?? []) {
    const found = mapping.type === "value" && mapping.options[String(value)];
    if (found) return found.text;
  }
  if (typeof value !== "number") return String(value);
  const { decimals } = field;
  switch (field.unit) {
    case "percentunit": return `${number(value * 100, decimals ?? 1)} %`;
    case "percent": return `${number(value, decimals ?? 1)} %`;
    case "s": return duration(value, decimals);
    case "ms": return value < 1000 ? `${number(value, decimals ?? 0)} ms` : duration(value / 1000, decimals);
    case "bytes": return bytes(value);
    case "locale": return number(value, decimals ?? (Number.isInteger(value) ? 0 : 2));
    case "dateTimeAsIso": return new Date(value).toLocaleString(language, MOMENT);
    case "string": case "none": return number(value, decimals);
    default: return short(value, decimals);
  }
}

function number(value, decimals) {
  const limits = decimals === undefined ? { maximumFractionDigits: 2 } : { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return value.toLocaleString(language, limits);
}

function short(value, decimals) {
  if (Math.abs(value) < 100_000) return number(value, decimals ?? (Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 2 : 1));
  return value.toLocaleString(language, { notation: "compact", maximumFractionDigits: 1 });
}

function duration(seconds, decimals) {
  const magnitude = Math.abs(seconds);
  if (magnitude < 120) return `${number(seconds, decimals ?? (magnitude < 10 ? 1 : 0))} s`;
  if (magnitude < 7200) return `${number(seconds / 60, 1)} min`;
  if (magnitude < 172_800) return `${number(seconds / 3600, 1)} h`;
  return `${number(seconds / 86_400, 1)} d`;
}

function bytes(value) {
  let at = 0;
  for (; Math.abs(value) >= 1024 && at < 4; at++) value /= 1024;
  return `${number(value, at ? 1 : 0)} ${["B", "KiB", "MiB", "GiB", "TiB"][at]}`;
}

// The CSS variable of the threshold that a value has reached; null where the field has none.
export function level(value, field) {
  if (!field.thresholds || typeof value !== "number") return null;
  let found = null;
  for (const step of field.thresholds.steps) {
    if (step.value === null || step.value === undefined || value >= step.value) found = step.color;
  }
  return COLORS[found] ?? null;
}

export const cssColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
