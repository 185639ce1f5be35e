// What the page itself says; everything else comes with the dashboards.
const TEXTS = {
  en: {
    all: "All", from: "Time range", refresh: "Refresh", theme: "Dark or light", updated: "updated", ago: "s ago", none: "No data",
    stale: "not updated for", off: "off", find: "Find…", last: "Last", custom: "As in the address",
    units: { m: "minutes", h: "hours", d: "days" },
  },
  zh: {
    all: "全部", from: "时间范围", refresh: "刷新", theme: "深色或浅色", updated: "更新于", ago: "秒前", none: "无数据",
    stale: "未更新", off: "关闭", find: "查找…", last: "最近", custom: "按地址栏",
    units: { m: "分钟", h: "小时", d: "天" },
  },
};

export let language = "en";

export function speak(chosen) {
  language = chosen in TEXTS ? chosen : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

export const say = (key) => TEXTS[language][key];
