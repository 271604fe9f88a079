// What a job has made: models to download, and the checkpoints that it keeps.
import { el } from "../../lib/dom.js";
import { ago, bytes, figure, percent } from "../../lib/format.js";
import { scroll } from "./history.js";

const MEANING = {
  trained: "trained, and can be trained further on a device",
  inference: "trained, only to predict with: smaller",
  initial: "as it was before training",
};

/** The job's models. */
export function models(job) {
  if (!job.artifacts.length) return el("p", { class: "muted" }, "No model yet: the trained one is there when the job has succeeded.");
  const order = Object.keys(MEANING);
  const sorted = [...job.artifacts].sort((a, b) => order.indexOf(a.variant) - order.indexOf(b.variant));
  return el("ul", { class: "files" }, sorted.map((made) => el("li", {}, [
    download(made.url, `Download the ${made.variant} model`, made.variant),
    el("span", { class: "muted" }, `${bytes(made.bytes)} · ${MEANING[made.variant]}`),
  ])));
}

/** The checkpoints, newest first. */
export function checkpoints(kept) {
  if (!kept.length) return el("p", { class: "muted" }, "None is kept so far.");
  const rows = [...kept].reverse().map((made) => el("tr", {}, [
    el("td", { title: `made ${ago(made.created_at)}` }, String(made.epoch)),
    el("td", { class: "number" }, figure(made.metrics?.validation_loss ?? made.metrics?.loss)),
    el("td", { class: "number" }, percent(made.metrics?.validation_accuracy)),
    el("td", { class: "number" }, bytes(made.bytes)),
    el("td", {}, download(made.url, `Download the model of epoch ${made.epoch}`, "")),
  ]));
  return scroll("Checkpoints", ["Epoch", "Loss", "Accuracy", "Size", "Model"], rows, ["Loss", "Accuracy", "Size"]);
}

/** Addresses of the API begin at the service; a page may stand behind a prefix. */
function download(url, label, word) {
  return el("a", { class: "button", href: url.replace(/^\//, ""), download: true, "aria-label": label }, word ? `↓ ${word}` : "↓");
}
