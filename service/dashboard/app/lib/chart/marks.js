// What is drawn inside a chart's frame: lines, dots, and single values that are pointed out.
import { drawnPoints } from "./series.js";

const LINE_WIDTH = 2;
const DOT_RADIUS = 2.5;
const LONE_DOT_RADIUS = 4.5;
const FAINT = 0.3;
const LABEL_GAP = 8;

/**
 * Draws series as lines.
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof import("./frame.js").drawFrame>} area
 * @param {import("./series.js").Series[]} series
 */
export function drawLines(context, area, series, colours) {
  context.save();
  context.beginPath();
  context.rect(area.left, area.top - LINE_WIDTH, area.right - area.left, area.bottom - area.top + 2 * LINE_WIDTH);
  context.clip();
  context.lineJoin = "round";
  for (const each of series) {
    if (each.faint) {
      context.globalAlpha = FAINT;
      drawLine(context, area, { ...each, y: each.faint, points: false }, 1);
      context.globalAlpha = 1;
    }
    drawLine(context, area, each, LINE_WIDTH);
  }
  context.restore();
  for (const { mark, color } of series) if (mark) drawMark(context, area, mark, color, colours);
}

/** @param {import("./series.js").Series} series */
function drawLine(context, area, series, width) {
  const { color, dash = [], points } = series;
  const { low, high } = area.x;
  const places = drawnPoints(series, area.toX, area.toY, [low, high], area.y.log);
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  let isBegun = false;
  for (const place of places) {
    if (place && isBegun) context.lineTo(place[0], place[1]);
    else if (place) context.moveTo(place[0], place[1]);
    isBegun = Boolean(place);
  }
  context.stroke();
  context.setLineDash([]);
  const radius = places.length === 1 ? LONE_DOT_RADIUS : points ? DOT_RADIUS : 0;
  if (radius) for (const place of places) if (place) drawDot(context, place, radius);
}

export function drawDot(context, place, radius) {
  const [x, y] = place;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** A ring around a value, and its text beside it. */
function drawMark(context, area, { x, y, text }, color, colours) {
  const [left, top] = [area.toX(x), area.toY(y)];
  const isInside = left >= area.left - 1 && left <= area.right + 1 && top >= area.top - 1 && top <= area.bottom + 1;
  if (!isInside) return;
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(left, top, 5, 0, 2 * Math.PI);
  context.stroke();
  const width = context.measureText(text).width;
  const fits = left + LABEL_GAP + width <= area.right;
  context.textAlign = fits ? "left" : "right";
  context.textBaseline = top - area.top > 20 ? "bottom" : "top";
  const place = [left + (fits ? LABEL_GAP : -LABEL_GAP), top + (context.textBaseline === "bottom" ? -4 : 6)];
  context.lineWidth = 3;
  context.strokeStyle = colours.paper;
  context.strokeText(text, place[0], place[1]);
  context.fillStyle = colours.text;
  context.fillText(text, place[0], place[1]);
}
