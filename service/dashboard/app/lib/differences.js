// The requests of several jobs, side by side.
import { modelName } from "./format.js";
import { datasetName } from "./job-list.js";

/** Rows `{group, name, values, differs}` of the fields of the requests; values are in the order of `jobs`. */
export function requestRows(jobs) {
  const hyperparameters = [...new Set(jobs.flatMap((job) => Object.keys(job.request.hyperparameters)))];
  const labels = [...new Set(jobs.flatMap((job) => Object.keys(job.labels)))].sort();
  return [
    ...hyperparameters.map((name) => row("Hyperparameters", name, jobs, (job) => job.request.hyperparameters[name])),
    row("Model and data", "model", jobs, modelName),
    row("Model and data", "spec", jobs, (job) => (job.request.model.spec ? digest(job.request.model.spec) : null)),
    row("Model and data", "dataset", jobs, datasetName),
    row("Model and data", "train", jobs, (job) => job.request.dataset.train),
    row("Model and data", "validation", jobs, (job) => job.request.dataset.validation ?? job.request.dataset.validation_fraction),
    row("Training", "engine", jobs, (job) => job.engine),
    row("Training", "compute_units", jobs, (job) => job.request.compute_units),
    row("Training", "limits", jobs, (job) => job.request.limits),
    ...labels.map((name) => row("Labels", name, jobs, (job) => job.labels[name])),
  ].filter(({ values }) => values.some((value) => value !== null && value !== undefined));
}

function row(group, name, jobs, read) {
  const values = jobs.map(read).map((value) => value ?? null);
  const differs = new Set(values.map((value) => JSON.stringify(value))).size > 1;
  return { group, name, values, differs };
}

/** A short text that is equal for equal specs. */
function digest(spec) {
  let hash = 0;
  for (const sign of JSON.stringify(spec)) hash = (Math.imul(hash, 31) + sign.codePointAt(0)) | 0;
  return `${spec.layers?.length ?? 0} layers, ${(hash >>> 0).toString(16).padStart(8, "0")}`;
}
