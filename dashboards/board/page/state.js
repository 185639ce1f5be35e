// What is looked at, kept in the address as Grafana keeps it: /d/UID?from=now-30m&to=now&var-room=a&var-room=b&refresh=2s
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const ALL = "$__all";

export function readAddress() {
  const query = new URLSearchParams(location.search);
  const variables = {};
  for (const [name, value] of query) if (name.startsWith("var-")) (variables[name.slice(4)] ??= []).push(value);
  return { uid: location.pathname.startsWith("/d/") ? decodeURIComponent(location.pathname.slice(3)) : null, from: query.get("from"), to: query.get("to"), refresh: query.get("refresh"), variables };
}

export function addressOf({ uid, from, to, refresh, variables }) {
  const query = new URLSearchParams();
  if (from) query.set("from", from);
  if (to) query.set("to", to);
  if (refresh) query.set("refresh", refresh);
  for (const [name, values] of Object.entries(variables)) for (const value of values) query.append(`var-${name}`, value);
  return `/d/${encodeURIComponent(uid)}?${query}`;
}

// "now-30m" or milliseconds since the epoch -> milliseconds.
export function moment(text, now = Date.now()) {
  const relative = /^now(?:-(\d+)([smhd]))?$/.exec(text ?? "now");
  if (relative) return now - (relative[1] ? relative[1] * UNIT_MS[relative[2]] : 0);
  return Number(text) || now;
}

export function milliseconds(text) {
  const found = /^(\d+)([smhd])$/.exec(text ?? "");
  return found ? found[1] * UNIT_MS[found[2]] : 0;
}
