// The files of a job: models to download, and checkpoints.
import { el } from "../../lib/dom.js";
import { ago, bytes, figure, percent } from "../../lib/format.js";
import { scroll } from "./history.js";

const MEANING = {
  trained: "trained, and can be trained further on a device",
  inference: "trained, for predictions only: smaller",
  initial: "before the training",
};

/** The job's models. */
export function models(job) {
  if (!job.artifacts.length) return el("p", { class: "muted" }, "No model yet: the trained model appears when the job has succeeded.");
  const order = Object.keys(MEANING);
  const sorted = [...job.artifacts].sort((a, b) => order.indexOf(a.variant) - order.indexOf(b.variant));
  return el("ul", { class: "files" }, sorted.map((file) => el("li", {}, [
    download(file.url, `Download the ${file.variant} model`, file.variant),
    el("span", { class: "muted" }, `${bytes(file.bytes)} · ${MEANING[file.variant]}`),
  ])));
}

/** The checkpoints, newest first. */
export function checkpoints(kept) {
  if (!kept.length) return el("p", { class: "muted" }, "No checkpoints yet.");
  const rows = [...kept].reverse().map((file) => el("tr", {}, [
    el("td", { title: `stored ${ago(file.created_at)}` }, String(file.epoch)),
    el("td", { class: "number" }, figure(file.metrics?.validation_loss ?? file.metrics?.loss)),
    el("td", { class: "number" }, percent(file.metrics?.validation_accuracy)),
    el("td", { class: "number" }, bytes(file.bytes)),
    el("td", {}, download(file.url, `Download the model of epoch ${file.epoch}`, "")),
  ]));
  return scroll("Checkpoints", ["Epoch", "Loss", "Accuracy", "Size", "Model"], rows, ["Loss", "Accuracy", "Size"]);
}

/** A link to a file. Addresses of the API begin at the service, but a page may be behind a prefix. */
function download(url, label, word) {
  return el("a", { class: "button", href: url.replace(/^\//, ""), download: true, "aria-label": label }, word ? `↓ ${word}` : "↓");
}
