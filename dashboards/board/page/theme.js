// Before the first paint, so that nothing flashes. A script of its own: the page allows none inline.
document.documentElement.dataset.theme =
  localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
