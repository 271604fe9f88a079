// Charts by plotly.js, which is loaded when the first one is drawn.

let loading = null;

/** Resolves to plotly.js. */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "dashboard/charts/plotly.min.js";
    script.onload = () => {
      // By default, plotly.js has a button that sends the chart's data to another host in a new window.
      globalThis.Plotly.setPlotConfig({ showSendToCloud: false, plotlyServerURL: "", topojsonURL: "", displaylogo: false });
      resolve(globalThis.Plotly);
    };
    script.onerror = () => reject(new Error("The charts could not be loaded."));
    document.head.append(script);
  });
  return loading;
}

/** Escapes `text`; plotly.js would turn tags in it into links and styles. */
export function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The current colours of the page for a chart; read them again after `themechange`. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    text: read("--text"),
    muted: read("--muted"),
    line: read("--line"),
    paper: read("--paper"),
    series: [1, 2, 3, 4, 5, 6].map((n) => read(`--series-${n}`)),
  };
}
