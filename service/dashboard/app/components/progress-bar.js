// The progress of a job.
import { el } from "../lib/dom.js";

/** A bar with `epoch/epochs` beside it. */
export function progressBar({ epoch, epochs }) {
  const bar = el("progress", { max: epochs, value: epoch, "aria-label": `epoch ${epoch} of ${epochs}` });
  return el("span", { class: "progress" }, bar, el("span", {}, `${epoch}/${epochs}`));
}
