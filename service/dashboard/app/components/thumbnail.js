// An example of a dataset, small: its picture, or its first values.
import { el } from "../lib/dom.js";
import { figure } from "../lib/format.js";
import { paint } from "../lib/picture.js";

/** Whether a feature of a manifest holds pictures. */
export function isPicture(feature) {
  const [channels, height, width] = feature.shape;
  return feature.shape.length === 3 && (channels === 1 || channels === 3) && Math.min(height, width) >= 8;
}

/** A canvas with an example's picture. */
export function thumbnail(nested, feature, label) {
  const canvas = el("canvas", { class: "thumbnail", role: "img", "aria-label": label });
  paint(canvas, nested, feature.dtype === "uint8" ? 255 : Math.max(1, ...nested.flat(Infinity)));
  return canvas;
}

/** The values of a feature as text, shortened. */
export function shortened(values, maxValues = 6) {
  const all = [values].flat(Infinity);
  const shown = all.slice(0, maxValues).map((value) => (typeof value === "number" ? figure(value) : String(value)));
  return shown.join(", ") + (all.length > maxValues ? `, … (${all.length})` : "");
}
