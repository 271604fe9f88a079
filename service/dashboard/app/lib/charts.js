// Charts by plotly.js, which is loaded when the first one is drawn.

let loading = null;

/** plotly.js. */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "dashboard/charts/plotly.min.js";
    script.onload = () => {
      // By default, plotly.js has a button that opens a foreign host in a new window and hands it the chart's data.
      globalThis.Plotly.setPlotConfig({ showSendToCloud: false, plotlyServerURL: "", topojsonURL: "", displaylogo: false });
      resolve(globalThis.Plotly);
    };
    script.onerror = () => reject(new Error("The charts could not be loaded."));
    document.head.append(script);
  });
  return loading;
}

/** `text` as plotly.js shows it as it is; otherwise it makes links and styles of tags in it. */
export function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The colours of the page, for a chart to be drawn with; read anew after a `themechange`. */
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
