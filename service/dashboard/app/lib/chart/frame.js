// The frame of a chart on a canvas: axes, grid, titles. Lines, points and bars are drawn inside it.
import { linear, logarithmic, range, ticks } from "./scales.js";

const FONT_SIZE = 12;
const TITLE_HEIGHT = 18;
const TICK_GAP = 6;
const PIXELS_PER_X_TICK = 70;
const PIXELS_PER_Y_TICK = 42;
const TOP = 10;
const RIGHT = 14;

/**
 * @typedef {object} Axis
 * @property {string} title
 * @property {[number, number]} range
 * @property {boolean} [log]
 * @property {boolean} [whole] ticks at whole numbers only
 * @property {string} [format] "percent" for shares
 */

/** The range of an axis for values, or the one that the reader has zoomed to. */
export function axisOf(description, extent, zoomed) {
  return { ...description, range: zoomed ?? range(extent, description) };
}

/**
 * Clears the canvas and draws the frame.
 * @param {CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {{width: number, height: number}} size in CSS pixels
 * @param {Axis} x
 * @param {Axis} y
 * @param {ReturnType<typeof import("./colours.js").palette>} colours
 * @returns {{left: number, top: number, right: number, bottom: number, toX: (value: number) => number,
 *   toY: (value: number) => number, x: import("./scales.js").Scale, y: import("./scales.js").Scale}} the area inside the frame
 */
export function drawFrame(context, { width, height }, x, y, colours) {
  context.clearRect(0, 0, width, height);
  context.font = `${FONT_SIZE}px ${colours.font}`;
  const bottom = height - FONT_SIZE - TICK_GAP - TITLE_HEIGHT - 2;
  const yScale = scaleOf(y);
  const yTicks = ticks(yScale, (bottom - TOP) / PIXELS_PER_Y_TICK, y);
  const left = TITLE_HEIGHT + TICK_GAP + 4 + Math.max(10, ...yTicks.map(({ text }) => context.measureText(text).width));
  const right = Math.max(left + 10, width - RIGHT);
  const xScale = scaleOf(x);
  const area = {
    left,
    right,
    top: TOP,
    bottom,
    x: xScale,
    y: yScale,
    toX: (value) => left + xScale.at(value) * (right - left),
    toY: (value) => bottom - yScale.at(value) * (bottom - TOP),
  };
  context.lineWidth = 1;
  context.strokeStyle = colours.line;
  context.fillStyle = colours.text;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const { value, text } of yTicks) {
    const place = Math.round(area.toY(value)) + 0.5;
    stroke(context, left, place, right, place);
    context.fillText(text, left - TICK_GAP, place);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const { value, text } of ticks(xScale, (right - left) / PIXELS_PER_X_TICK, x)) {
    const place = Math.round(area.toX(value)) + 0.5;
    stroke(context, place, TOP, place, bottom + 4);
    context.fillText(text, place, bottom + TICK_GAP);
  }
  context.fillStyle = colours.muted;
  context.fillText(x.title, (left + right) / 2, height - TITLE_HEIGHT + 2);
  context.save();
  context.translate(2, (TOP + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(y.title, 0, 0);
  context.restore();
  return area;
}

/** @param {Axis} axis */
const scaleOf = ({ log, range: [low, high] }) => (log ? logarithmic(low, high) : linear(low, high));

function stroke(context, fromX, fromY, toX, toY) {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}
