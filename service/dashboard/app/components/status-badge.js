// A job's state, as a word in its colour.
import { el } from "../lib/dom.js";

/** A badge for a state of the API. */
export function statusBadge(status) {
  return el("span", { class: `badge ${status}` }, status);
}
