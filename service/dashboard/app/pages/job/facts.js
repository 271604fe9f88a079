// The request of a job.
import { el } from "../../lib/dom.js";
import { modelName, percent } from "../../lib/format.js";
import { datasetName } from "../../lib/job-list.js";
import { commandLine, curl, python, requestOf } from "../../lib/request-text.js";
import { copyButton } from "../../components/copy-button.js";

/** Pairs of names and values as a list; pairs without a value are omitted. */
export function facts(pairs) {
  const present = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, present.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value instanceof Node ? value : String(value))]));
}

/** The hyperparameters. */
export function hyperparameters(job) {
  const { hyperparameters: values, widened, limits } = job.request;
  const word = (name, value) => `${value}${widened?.includes(name) ? " (outside the model's limits)" : ""}`;
  const pairs = Object.entries(values).filter(([, value]) => value !== null);
  return facts([...pairs.map(([name, value]) => [name, word(name, value)]), ["limits", limits === "widen" ? "widened" : null]]);
}

/** Model, data and the rest of the request. */
export function request(job) {
  const { model, dataset, checkpoint, ...rest } = job.request;
  return facts([
    ["Id", el("code", {}, job.id)],
    ["Model", model.id ? el("a", { href: `#/models/${model.id}` }, modelName(job)) : model.job ? el("a", { href: `#/jobs/${model.job}` }, modelName(job)) : modelName(job)],
    ["Dataset", el("a", { href: `#/datasets/${dataset.id}` }, datasetName(job))],
    ["Trained on", dataset.train],
    ["Validated on", validation(dataset)],
    ["Inputs", Object.entries(dataset.bind).map(([to, from]) => (to === from ? to : `${to} from ${from}`)).join(", ")],
    ["Engine", job.engine ?? rest.engine],
    ["Compute units", rest.compute_units === "all" ? null : rest.compute_units],
    ["Checkpoints", checkpoint ? `every ${checkpoint.every_epochs === 1 ? "epoch" : `${checkpoint.every_epochs} epochs`}, the newest ${checkpoint.keep} are kept` : null],
    ["Attempts", `at most ${rest.max_attempts} without progress`],
    ["Time limit", rest.timeout_seconds ? `${rest.timeout_seconds} s` : null],
    ["Labels", Object.entries(job.labels).map((pair) => pair.join("=")).join(", ")],
    ["Retry of", job.retry_of ? el("a", { href: `#/jobs/${job.retry_of}` }, job.retry_of) : null],
    ["Created", new Date(job.created_at).toLocaleString("en-GB")],
  ]);
}

/** Whether a job measures examples outside the training rows after each epoch. */
export const isValidated = ({ request: { dataset } }) => dataset.validation !== null || dataset.validation_fraction !== null;

function validation({ train, validation: split, validation_fraction: share }) {
  if (split) return split;
  return share ? `${percent(share)} of ${train}, held out from the training` : "no examples: none are held out, so only the training loss is known";
}

/** The same job for a terminal and for Python, with a token if the service requires one. */
export function commands(job, withToken) {
  const base = new URL(".", location.href).href;
  const body = requestOf(job);
  const forms = { curl: curl(body, base, withToken), CLI: commandLine(body, base), Python: python(body, base) };
  return el("section", { class: "card stack commands" }, [
    el("h2", {}, "Submit it again"),
    withToken && el("p", { class: "muted" }, ["This service requires a token: ", el("code", {}, "PIPPIN_TOKEN_FILE"), " names the file with your token."]),
  ], Object.entries(forms).map(([name, text], n) =>
    el("details", { open: n === 0 }, el("summary", {}, name), el("div", { class: "copied" }, [
      copyButton(`it for ${name}`, () => text),
      el("pre", { tabindex: 0, "aria-label": `The job for ${name}` }, text),
    ])),
  ));
}
