// How the job is run, and how it is found again.
import { el } from "../../lib/dom.js";
import { choice, field, numberIn } from "../../lib/fields.js";

/** The part of the form; `value()` gives these members of the request. */
export function settingsPart(wish) {
  const text = Object.entries(wish.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ");
  const input = {
    name: el("input", { maxlength: 200, value: wish.name ?? null, autocomplete: "off" }),
    labels: el("input", { value: text, placeholder: "team=vision, try=2", autocomplete: "off" }),
    engine: choice([["auto", "auto: Core ML where there is a Mac, else jax"], "jax", ["coreml", "Core ML"]], wish.engine ?? "auto"),
    compute_units: choice(["all", "cpu_only", "cpu_and_gpu", "cpu_and_neural_engine"].map((each) => [each, each.replaceAll("_", " ")]), wish.compute_units ?? "all"),
    report: choice([["epoch", "each epoch"], ["batch", "each mini-batch too"]], wish.report ?? "epoch"),
    limits: choice([["enforce", "enforce: refuse values beyond the model's limits"], ["widen", "widen: train all the same"]], wish.limits ?? "enforce"),
    every_epochs: el("input", { type: "number", min: 1, step: 1, value: wish.checkpoint?.every_epochs ?? 1 }),
    keep: el("input", { type: "number", min: 1, max: 100, step: 1, value: wish.checkpoint?.keep ?? 3 }),
    max_attempts: el("input", { type: "number", min: 1, max: 1000, step: 1, value: wish.max_attempts ?? 3 }),
    timeout_seconds: el("input", { type: "number", min: 1, step: "any", value: wish.timeout_seconds ?? null, placeholder: "none" }),
  };
  const element = el("section", { class: "card part", "aria-label": "Job" }, [
    el("h2", {}, "Job"),
    el("div", { class: "fields" }, [
      field("/name", "Name", input.name, "what its files will be called"),
      field("/labels", "Labels", input.labels, "key=value, with commas between them"),
      field("/report", "Report", input.report),
    ]),
    el("details", {}, [
      el("summary", {}, "Engine, checkpoints, limits"),
      el("div", { class: "fields" }, [
        field("/engine", "Engine", input.engine),
        field("/compute_units", "Compute units", input.compute_units, "what Core ML may compute on"),
        field("/limits", "Limits", input.limits),
        field("/checkpoint/every_epochs", "Checkpoint every … epochs", input.every_epochs),
        field("/checkpoint/keep", "Checkpoints kept", input.keep, "1 to 100, the newest"),
        field("/max_attempts", "Attempts at most", input.max_attempts, "1 to 1000"),
        field("/timeout_seconds", "Seconds at most", input.timeout_seconds),
      ]),
    ]),
  ]);

  function value() {
    const checkpoint = { every_epochs: numberIn(input.every_epochs) ?? 1, keep: numberIn(input.keep) ?? 3 };
    const made = { engine: input.engine.value, compute_units: input.compute_units.value, report: input.report.value, limits: input.limits.value, checkpoint };
    if (input.name.value.trim()) made.name = input.name.value.trim();
    if (input.labels.value.trim()) made.labels = labelsIn(input.labels.value);
    if (numberIn(input.max_attempts) !== null) made.max_attempts = numberIn(input.max_attempts);
    if (numberIn(input.timeout_seconds) !== null) made.timeout_seconds = numberIn(input.timeout_seconds);
    return made;
  }

  return { element, value };
}

function labelsIn(text) {
  const pairs = text.split(",").map((pair) => pair.trim()).filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => {
    const [key, ...rest] = pair.split("=");
    if (!rest.length) {
      const faults = [{ pointer: "/labels", detail: `found "${pair}"; needs key=value` }];
      throw Object.assign(new Error("The labels cannot be read."), { title: "The labels cannot be read", faults });
    }
    return [key.trim(), rest.join("=").trim()];
  }));
}
