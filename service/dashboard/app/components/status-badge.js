// The state of a job or worker, as a coloured word.
import { el } from "../lib/dom.js";

/** A badge for a state of the API. */
export function statusBadge(status) {
  return el("span", { class: `badge ${status}` }, status);
}
