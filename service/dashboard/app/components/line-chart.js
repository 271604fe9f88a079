// A chart of lines in the colours of the page.
import { palette, plain, plotly } from "../lib/charts.js";
import { el, problemBox } from "../lib/dom.js";

// An explicit list, so that a new version of plotly.js cannot add buttons.
const BUTTONS = [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]];
const CONFIG = { responsive: true, modeBarButtons: BUTTONS };
const PAUSE = 200;
const FEW_EPOCHS = 10;

/**
 * A chart. `draw(make)` shows the result of `make(colours)`: `{series, x, y, log, zero, format}`, with plotly's series,
 * the titles `x` and `y` of the axes, and `zero` for a y axis from 0. It is redrawn when the colours change, and not too
 * often.
 */
export function lineChart(label) {
  const element = el("div", { class: "chart", role: "group", "aria-label": label });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let make = null;
  let timer = null;
  let over = false;

  function draw(how) {
    make = how;
    timer ??= setTimeout(paint, element.childElementCount ? PAUSE : 0);
  }

  async function paint() {
    let library;
    try {
      library = await plotly();
    } catch (error) {
      element.replaceChildren(problemBox(error));
      return;
    } finally {
      timer = null;
    }
    if (over || !make || !element.isConnected) return;
    const colours = palette();
    const { series, ...axes } = make(colours);
    const named = series.map((each) => ({ ...each, name: plain(each.name ?? "") }));
    await library.react(element, named, layout(colours, axes, fittedAxes(series, axes)), CONFIG);
  }

  const again = () => make && draw(make);
  addEventListener("themechange", again);
  dark.addEventListener("change", again);

  function end() {
    over = true;
    clearTimeout(timer);
    removeEventListener("themechange", again);
    dark.removeEventListener("change", again);
    globalThis.Plotly?.purge(element);
  }

  return { element, draw, end };
}

/** Axis settings where plotly.js chooses badly: for a single epoch, equal values, or few epochs. */
function fittedAxes(series, { x, log = false, format, zero = false }) {
  const places = series.flatMap((each) => each.x);
  const values = series.flatMap((each) => each.y).filter((value) => Number.isFinite(value) && (!log || value > 0));
  const [first, last] = [Math.min(...places), Math.max(...places)];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const fitted = { xaxis: {}, yaxis: {} };
  if (first === last) fitted.xaxis.range = [first - 1, first + 1];
  // With few epochs plotly.js would label halves of epochs.
  if (x === "Epoch" && last <= FEW_EPOCHS) fitted.xaxis.dtick = 1;
  if (low === high && !zero) fitted.yaxis.range = around(low, log, format);
  return fitted;
}

/** A range around a single value; plotly.js would use the value plus and minus 1. */
function around(value, log, format) {
  if (log) return [Math.log10(value) - 0.5, Math.log10(value) + 0.5];
  if (format?.endsWith("%")) return [-0.02, 1.02];
  const margin = Math.abs(value) / 2 || 1;
  return [value - margin, value + margin];
}

function layout(colours, { x, y, log = false, format, zero = false }, fitted) {
  const axis = { gridcolor: colours.line, linecolor: colours.line, zeroline: false, automargin: true };
  return {
    autosize: true,
    margin: { l: 50, r: 12, t: 8, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colours.text, family: getComputedStyle(document.documentElement).fontFamily, size: 12 },
    hovermode: "x unified",
    hoverlabel: { bgcolor: colours.paper, bordercolor: colours.line, font: { color: colours.text } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colours.muted, activecolor: colours.text },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    xaxis: { ...axis, title: { text: x }, rangemode: "tozero", ...fitted.xaxis },
    yaxis: { ...axis, rangemode: zero ? "tozero" : "normal", title: { text: y }, type: log ? "log" : "linear", tickformat: format, ...fitted.yaxis },
    // Keeps the reader's zoom when an epoch is added.
    uirevision: log ? "log" : "linear",
  };
}
