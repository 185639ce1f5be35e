// Panels that are pictures, drawn by Apache ECharts: lines and bars over time, bars, heat maps.
import * as echarts from "/echarts/echarts.esm.min.mjs";
import { cssColor, fieldOf, format } from "./fields.js";
import { language, say } from "./texts.js";

const PALETTE = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--c8"];
const charts = new WeakMap();

export function drawChart(body, panel, result, range) {
  body.className = "body chart";
  body.dataset.rows = result.rows.length;
  if (!result.rows.length) {
    clearChart(body);
    body.textContent = say("none");
    return;
  }
  let chart = charts.get(body);
  if (!chart) {
    body.textContent = "";
    chart = echarts.init(body, null, { renderer: "canvas" });
    charts.set(body, chart);
    new ResizeObserver(() => chart.isDisposed() || chart.resize()).observe(body);
  }
  const option = { timeseries, barchart, heatmap }[panel.type](panel, result, range);
  chart.setOption({ animation: false, textStyle: { fontFamily: "inherit", color: cssColor("--text") }, color: PALETTE.map(cssColor), ...option }, { notMerge: true, lazyUpdate: true });
}

export function clearChart(body) {
  charts.get(body)?.dispose();
  charts.delete(body);
}

const axis = () => ({
  axisLine: { lineStyle: { color: cssColor("--line") } },
  axisLabel: { color: cssColor("--dim"), fontSize: 11, hideOverlap: true },
  splitLine: { lineStyle: { color: cssColor("--line") } },
});

const tooltip = () => ({ backgroundColor: cssColor("--panel"), borderColor: cssColor("--line"), textStyle: { color: cssColor("--text"), fontSize: 12 }, confine: true });

function split(result) {
  const numbered = result.columns.map((column, at) => ({ column, at }));
  return {
    time: numbered.find(({ column }) => column.kind === "time"),
    text: numbered.find(({ column }) => column.kind === "text"),
    numbers: numbered.filter(({ column }) => column.kind === "number"),
  };
}

function timeseries(panel, result, range) {
  const { time, text, numbers } = split(result);
  const custom = panel.fieldConfig?.defaults?.custom ?? {};
  const bars = custom.drawStyle === "bars";
  const stack = custom.stacking?.mode === "normal" ? "all" : undefined;
  const series = new Map();
  for (const row of result.rows) {
    for (const { column, at } of numbers) {
      const field = fieldOf(panel, column);
      const name = !text ? field.title : numbers.length > 1 ? `${row[text.at]} ${field.title}` : String(row[text.at]);
      if (!series.has(name)) series.set(name, { field, data: [] });
      series.get(name).data.push([row[time.at], row[at]]);
    }
  }
  const fields = [...series.values()].map(({ field }) => field);
  return {
    grid: { left: 8, right: 12, top: 10, bottom: series.size > 1 ? 26 : 6, containLabel: true },
    legend: { show: series.size > 1, type: "scroll", bottom: 0, itemHeight: 8, itemWidth: 14, textStyle: { color: cssColor("--dim"), fontSize: 11 } },
    tooltip: { trigger: "axis", ...tooltip(), valueFormatter: (value) => format(value, fields[0]) },
    xAxis: { type: "time", min: range.from, max: range.to, ...axis(), splitLine: { show: false } },
    yAxis: { type: "value", min: (limits) => Math.min(0, limits.min), ...axis(), axisLabel: { ...axis().axisLabel, formatter: (value) => format(value, { ...fields[0], decimals: undefined }) } },
    series: [...series].map(([name, { data, field }]) => ({
      name, data, type: bars ? "bar" : "line", stack, showSymbol: data.length === 1, symbolSize: 5, barMaxWidth: 12,
      lineStyle: { width: 2 }, areaStyle: series.size === 1 && !bars ? { opacity: 0.12 } : undefined,
      tooltip: { valueFormatter: (value) => format(value, field) },
    })),
  };
}

function barchart(panel, result) {
  const { text, time, numbers } = split(result);
  const name = text ?? time;
  const label = fieldOf(panel, name.column);
  const horizontal = panel.options.orientation === "horizontal";
  const categories = { type: "category", data: result.rows.map((row) => format(row[name.at], label)), inverse: horizontal, ...axis(), splitLine: { show: false }, axisTick: { show: false } };
  const first = fieldOf(panel, numbers[0].column);
  const values = { type: "value", ...axis(), axisLabel: { ...axis().axisLabel, formatter: (value) => format(value, { ...first, decimals: undefined }) } };
  return {
    grid: { left: 8, right: 48, top: 6, bottom: numbers.length > 1 ? 26 : 4, containLabel: true },
    legend: { show: numbers.length > 1, bottom: 0, itemHeight: 8, textStyle: { color: cssColor("--dim"), fontSize: 11 } },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, ...tooltip() },
    xAxis: horizontal ? { ...values, show: false } : categories,
    yAxis: horizontal ? categories : values,
    series: numbers.map(({ column, at }) => {
      const field = fieldOf(panel, column);
      return {
        name: field.title, type: "bar", barMaxWidth: 22, data: result.rows.map((row) => row[at]),
        label: { show: horizontal, position: "right", color: cssColor("--text"), fontSize: 11, formatter: ({ value }) => format(value, field) },
        tooltip: { valueFormatter: (value) => format(value, field) },
      };
    }),
  };
}

function heatmap(panel, result) {
  const { time, text, numbers } = split(result);
  const value = numbers[0];
  const field = fieldOf(panel, value.column);
  const label = fieldOf(panel, text?.column ?? { name: "" });
  const written = (ms) => new Date(ms).toLocaleString(language, { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
  const times = [...new Set(result.rows.map((row) => row[time.at]))].sort((a, b) => a - b);
  const names = [...new Set(result.rows.map((row) => (text ? row[text.at] : "")))];
  const columnOf = new Map(times.map((one, at) => [one, at]));
  const rowOf = new Map(names.map((one, at) => [one, at]));
  const cells = result.rows.map((row) => [columnOf.get(row[time.at]), rowOf.get(text ? row[text.at] : ""), row[value.at]]);
  const most = Math.max(...cells.map((cell) => cell[2] ?? 0), 0) || 1;
  return {
    grid: { left: 8, right: 12, top: 6, bottom: 34, containLabel: true },
    tooltip: { ...tooltip(), formatter: ({ data }) => `${format(names[data[1]], label)} ${written(times[data[0]])}<br><b>${format(data[2], field)}</b>` },
    xAxis: { type: "category", data: times.map(written), ...axis(), splitLine: { show: false } },
    yAxis: { type: "category", data: names.map((name) => format(name, label)), inverse: true, ...axis(), splitLine: { show: false } },
    visualMap: { min: 0, max: most, orient: "horizontal", left: "center", bottom: 0, itemHeight: 120, itemWidth: 8, textStyle: { color: cssColor("--dim"), fontSize: 10 }, formatter: (one) => format(one, field), inRange: { color: [cssColor("--heat0"), cssColor("--heat1"), cssColor("--heat2")] } },
    series: [{ type: "heatmap", data: cells, itemStyle: { borderColor: cssColor("--panel"), borderWidth: 1 } }],
  };
}
