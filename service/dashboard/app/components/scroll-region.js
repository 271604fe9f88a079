// What may be wider than a phone scrolls by itself, by keyboard too.
import { el } from "../lib/dom.js";

/** A named region around a wide table. */
export function scrollRegion(label, table) {
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}
