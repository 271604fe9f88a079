// A chart of lines: zoom by dragging, buttons or keys, values under the pointer, a legend that hides lines, PNG and CSV.
import { look, palette } from "../lib/chart/colours.js";
import { csvOf, fileName, save } from "../lib/chart/files.js";
import { axisOf, drawFrame } from "../lib/chart/frame.js";
import { drawDot, drawLines } from "../lib/chart/marks.js";
import { extents, nearest } from "../lib/chart/series.js";
import { summary, valueText } from "../lib/chart/text.js";
import { Zoom } from "../lib/chart/zoom.js";
import { el } from "../lib/dom.js";

const PAUSE = 100;
const STEP = 1.6;
const PAN = 0.2;
const MIN_DRAG = 6;
const MIN_BOX_HEIGHT = 24;
const MAX_ROWS = 12;
const PNG_SCALE = 2;
const X_MARGIN = 0.01;
const KEYS = "Arrow keys read values, + and − zoom, Shift with an arrow key moves, 0 shows all";

/**
 * A chart. `draw(make)` shows the result of `make()`, a description
 * `{series, x, y, log, zero, whole, within, format}`:
 * the series (their `name`, `x`, `y` and others as in lib/chart/series.js; colours and dashes are added), the titles `x` and
 * `y` of the axes, `zero` for a y axis from 0, `whole` for ticks of x at whole numbers, `within` for bounds of y, `format`
 * "percent" for shares. It is drawn at most once in a tenth of a second, and when the colours or the size change.
 */
export function lineChart(label) {
  const canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": label, "aria-keyshortcuts": "ArrowLeft ArrowRight + - 0" });
  const box = el("div", { class: "chart-box", hidden: true });
  const tip = el("div", { class: "chart-tip", hidden: true });
  const spoken = el("p", { class: "unseen", "aria-live": "polite" });
  const legend = el("ul", { class: "chart-legend" });
  const reset = tool("Show all", "Show all values", () => changeZoom(() => zoom.reset()));
  const tools = el("div", { class: "chart-tools" }, [
    tool("+", "Zoom in", () => zoomAbout(STEP)),
    tool("−", "Zoom out", () => zoomAbout(1 / STEP)),
    reset,
    tool("PNG", "Download the picture (PNG)", savePicture),
    tool("CSV", "Download the values (CSV)", saveValues),
  ]);
  const area = el("div", { class: "chart-area", title: "" }, canvas, box, tip);
  const element = el("div", { class: "chart", role: "group", "aria-label": label }, el("div", { class: "chart-head" }, legend, tools), area, spoken);
  // What is drawn, for the browser's console and for tests.
  Object.defineProperty(element, "chart", { get: () => chart });
  const zoom = new Zoom();
  const hidden = new Set();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const sizes = new ResizeObserver(() => paint());
  let make = null;
  let chart = null; // what is drawn: {series, shown, colours, description, whole, axes, frame}
  let cursor = null; // the x whose values are shown
  let timer = null;
  let drag = null;
  sizes.observe(area);

  function tool(text, name, act) {
    return el("button", { type: "button", class: "plain", "aria-label": name, title: name, onclick: act }, text);
  }

  function draw(how) {
    make = how;
    timer ??= setTimeout(() => {
      timer = null;
      paint();
    }, chart ? PAUSE : 0);
  }

  function paint() {
    if (!make || !element.isConnected || !area.clientWidth) return;
    const colours = palette();
    const description = make();
    const series = description.series.map((each, n) => ({ ...look(each.place ?? n, colours), ...each }));
    const shown = series.filter((each) => !hidden.has(each.name));
    const whole = extents(shown, description);
    const visible = zoom.x ? extents(shown, { log: description.log, xs: zoom.x }) : whole;
    const { y, ...others } = description;
    const wholeX = rangeOfX(whole.x);
    const axes = {
      x: { title: description.x, whole: description.whole, range: zoom.x ?? wholeX },
      y: axisOf({ ...others, title: y, whole: false }, visible.y, zoom.y),
    };
    chart = { series, shown, colours, description, whole: wholeX, axes };
    paintCanvas();
    canvas.setAttribute("aria-label", `${label}. ${summary(shown, description.x, description)} ${KEYS}.`);
    paintLegend(series);
    reset.disabled = !zoom.isOn;
    showValues();
  }

  function paintCanvas() {
    const size = { width: area.clientWidth, height: area.clientHeight };
    chart.frame = paintOn(canvas, size, devicePixelRatio, chart);
    if (cursor !== null) paintCursor(canvas.getContext("2d"), chart, cursor);
  }

  function paintLegend(series) {
    const rows = series.map((each) => {
      const isShown = !hidden.has(each.name);
      return el("li", {}, el("button", { type: "button", class: "plain", "aria-pressed": String(isShown), title: each.name, onclick: () => toggle(each.name) }, swatch(each), each.name));
    });
    const key = JSON.stringify(series.map(({ name, color, dash }) => [name, color, dash, hidden.has(name)]));
    if (legend.dataset.key === key) return;
    const focused = [...legend.children].findIndex((row) => row.contains(document.activeElement));
    legend.replaceChildren(...rows);
    legend.children[focused]?.firstChild.focus();
    legend.dataset.key = key;
    legend.hidden = series.length < 2;
  }

  function toggle(name) {
    if (!hidden.delete(name)) hidden.add(name);
    paint();
  }

  function changeZoom(change) {
    if (!chart) return;
    change();
    paint();
    const { x, description } = { x: chart.axes.x.range, description: chart.description };
    spoken.textContent = zoom.isOn ? `${description.x} ${valueText(x[0])} to ${valueText(x[1])}` : "All values";
  }

  function zoomAbout(factor) {
    changeZoom(() => {
      const share = cursor === null ? 0.5 : Math.min(1, Math.max(0, chart.frame.x.at(cursor)));
      zoom.about(chart.frame.x, share, factor, chart.whole);
    });
  }

  // The pointer: moving shows values, dragging zooms. A finger's swipe scrolls the page, and a tap shows values.
  /** @returns {[number, number]} */
  const placeOf = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const shareOfX = (x) => (x - chart.frame.left) / (chart.frame.right - chart.frame.left);
  const shareOfY = (y) => (chart.frame.bottom - y) / (chart.frame.bottom - chart.frame.top);
  const clamped = (share) => Math.min(1, Math.max(0, share));

  canvas.addEventListener("pointerdown", (event) => {
    if (!chart || event.button || event.pointerType === "touch") return;
    drag = placeOf(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!chart) return;
    const place = placeOf(event);
    if (drag) showBox(place);
    else if (event.pointerType !== "touch") moveCursor(chart.frame.x.value(clamped(shareOfX(place[0]))));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!chart || !drag) return;
    const [from, to] = [drag, placeOf(event)];
    drag = null;
    box.hidden = true;
    if (Math.abs(to[0] - from[0]) < MIN_DRAG) return;
    changeZoom(() => {
      const isBox = Math.abs(to[1] - from[1]) >= MIN_BOX_HEIGHT;
      const { x, y } = chart.frame;
      zoom.toX(x, clamped(shareOfX(from[0])), clamped(shareOfX(to[0])));
      if (isBox) zoom.toY(y, clamped(shareOfY(from[1])), clamped(shareOfY(to[1])));
    });
  });
  canvas.addEventListener("pointercancel", () => {
    drag = null;
    box.hidden = true;
  });
  canvas.addEventListener("click", (event) => {
    if (chart) moveCursor(chart.frame.x.value(clamped(shareOfX(placeOf(event)[0]))));
  });
  canvas.addEventListener("dblclick", () => changeZoom(() => zoom.reset()));
  canvas.addEventListener("pointerleave", () => moveCursor(null));
  canvas.addEventListener("blur", () => moveCursor(null));
  canvas.addEventListener("keydown", onKey);

  /** @param {[number, number]} place */
  function showBox([x, y]) {
    const { left, right, top, bottom } = chart.frame;
    const isBox = Math.abs(y - drag[1]) >= MIN_BOX_HEIGHT;
    const [fromX, toX] = [drag[0], x].sort((a, b) => a - b).map((each) => Math.min(right, Math.max(left, each)));
    const [fromY, toY] = isBox ? [drag[1], y].sort((a, b) => a - b).map((each) => Math.min(bottom, Math.max(top, each))) : [top, bottom];
    Object.assign(box.style, { left: `${fromX}px`, width: `${toX - fromX}px`, top: `${fromY}px`, height: `${toY - fromY}px` });
    box.hidden = false;
    tip.hidden = true;
  }

  function onKey(event) {
    if (!chart || event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (direction && event.shiftKey) changeZoom(() => zoom.pan(chart.frame.x, direction * PAN, chart.whole));
    else if (direction) moveCursor(neighbor(direction), true);
    else if (event.key === "Home" || event.key === "End") moveCursor(chart.axes.x.range[event.key === "Home" ? 0 : 1], true);
    else if (event.key === "+" || event.key === "=") zoomAbout(STEP);
    else if (event.key === "-") zoomAbout(1 / STEP);
    else if (event.key === "0") changeZoom(() => zoom.reset());
    else if (event.key === "Escape" && cursor !== null) moveCursor(null);
    else return;
    event.preventDefault();
  }

  /** The x of the next value of any line in a direction from the cursor, within what is shown. */
  function neighbor(direction) {
    const [low, high] = chart.axes.x.range;
    const from = cursor ?? (direction > 0 ? low - 1e-9 : high + 1e-9);
    const places = chart.shown.flatMap(({ x }) => {
      const n = nearest(x, from);
      return n < 0 ? [] : [x[n - 1], x[n], x[n + 1]].filter((place) => place !== undefined && (place - from) * direction > 1e-12);
    });
    const within = places.filter((place) => place >= low - 1e-9 && place <= high + 1e-9);
    return within.length ? within.reduce((one, other) => (Math.abs(other - from) < Math.abs(one - from) ? other : one)) : cursor;
  }

  function moveCursor(x, aloud = false) {
    if (!chart || (x === null && cursor === null)) return;
    cursor = x === null ? null : snapped(x);
    paintCanvas();
    showValues(aloud);
  }

  /** The x of the nearest value of any shown line. */
  function snapped(x) {
    const places = chart.shown.filter((each) => each.x.length).map((each) => each.x[nearest(each.x, x)]);
    return places.length ? places.reduce((one, other) => (Math.abs(other - x) < Math.abs(one - x) ? other : one)) : null;
  }

  function showValues(aloud = false) {
    const rows = cursor === null ? [] : valuesAt(chart, cursor);
    tip.hidden = !rows.length;
    if (!rows.length) return;
    const { x, format } = chart.description;
    const head = `${x} ${valueText(cursor)}`;
    const more = rows.length - MAX_ROWS;
    tip.replaceChildren(
      el("strong", {}, head),
      ...rows.slice(0, MAX_ROWS).map(({ each, value }) => el("div", {}, swatch(each), `${each.name} `, el("b", {}, valueText(value, format)))),
      more > 0 ? el("div", {}, `and ${more} more`) : "",
    );
    const { left, right } = chart.frame;
    const place = chart.frame.toX(cursor);
    const isLeft = place > (left + right) / 2;
    Object.assign(tip.style, isLeft ? { left: "auto", right: `${area.clientWidth - place + 10}px` } : { right: "auto", left: `${place + 10}px` });
    if (aloud) spoken.textContent = `${head}: ${rows.slice(0, MAX_ROWS).map(({ each, value }) => `${each.name} ${valueText(value, format)}`).join(", ")}`;
  }

  function savePicture() {
    if (!chart) return;
    const copy = el("canvas");
    const size = { width: area.clientWidth, height: area.clientHeight };
    paintOn(copy, size, PNG_SCALE, chart, chart.colours.paper);
    copy.toBlob((blob) => save(blob, fileName(label, "png")));
  }

  function saveValues() {
    if (chart) save(new Blob([csvOf(chart.shown, chart.description)], { type: "text/csv" }), fileName(label, "csv"));
  }

  const again = () => paint();
  addEventListener("themechange", again);
  dark.addEventListener("change", again);

  function end() {
    make = null;
    clearTimeout(timer);
    sizes.disconnect();
    removeEventListener("themechange", again);
    dark.removeEventListener("change", again);
  }

  return { element, draw, end };
}

/**
 * The range of the x axis: from the first to the last value, whose dots are whole, and around a lone one.
 * @param {number[]} extent empty without values
 */
function rangeOfX([low, high]) {
  if (low === undefined) return [0, 1];
  const margin = low === high ? 1 : X_MARGIN * (high - low);
  return [low - margin, high + margin];
}

/** Draws a chart on a canvas of a size in CSS pixels; returns the frame's area. */
function paintOn(canvas, { width, height }, ratio, { axes, shown, colours }, background = null) {
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const frame = drawFrame(context, { width, height }, axes.x, axes.y, colours);
  drawLines(context, frame, shown, colours);
  if (background) {
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
  }
  return frame;
}

function paintCursor(context, { frame, shown, colours }, x) {
  const place = frame.toX(x);
  if (place < frame.left - 1 || place > frame.right + 1) return;
  context.strokeStyle = colours.muted;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(place, frame.top);
  context.lineTo(place, frame.bottom);
  context.stroke();
  for (const { each, value } of valuesAt({ shown, frame }, x)) {
    context.fillStyle = each.color;
    const top = frame.toY(value);
    if (top >= frame.top && top <= frame.bottom) drawDot(context, [place, top], 4);
  }
}

/** The values of the shown lines at an x, greatest first; lines without a value within four pixels of it are left out. */
function valuesAt({ shown, frame }, x) {
  return shown
    .map((each) => ({ each, n: nearest(each.x, x) }))
    .filter(({ each, n }) => n >= 0 && Number.isFinite(each.y[n]) && Math.abs(frame.toX(each.x[n]) - frame.toX(x)) <= 4)
    .map(({ each, n }) => ({ each, value: each.y[n] }))
    .sort((one, other) => other.value - one.value);
}

/** A short piece of a line in its colour and dashes. */
function swatch({ color, dash }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({ width: 26, height: 8, "aria-hidden": "true" })) svg.setAttribute(name, String(value));
  for (const [name, value] of Object.entries({ d: "M0 4H26", stroke: color, "stroke-width": 2.5, "stroke-dasharray": dash?.join(" ") ?? "" })) path.setAttribute(name, String(value));
  svg.append(path);
  return svg;
}
