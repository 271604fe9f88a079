// Name, labels, engine, limits and checkpoints of the job.
import { el } from "../../lib/dom.js";
import { choice, field, numberIn } from "../../lib/fields.js";

/** The part of the form; `value()` returns these members of the request. */
export function settingsPart(initial) {
  const text = Object.entries(initial.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ");
  const input = {
    name: el("input", { maxlength: 200, value: initial.name ?? null, autocomplete: "off" }),
    labels: el("input", { value: text, placeholder: "team=vision, try=2", autocomplete: "off" }),
    engine: choice([["auto", "auto: Core ML if there is a Mac worker, else jax"], "jax", ["coreml", "Core ML"]], initial.engine ?? "auto"),
    compute_units: choice(["all", "cpu_only", "cpu_and_gpu", "cpu_and_neural_engine"].map((each) => [each, each.replaceAll("_", " ")]), initial.compute_units ?? "all"),
    report: choice([["epoch", "each epoch"], ["batch", "each mini-batch too"]], initial.report ?? "epoch"),
    limits: choice([["enforce", "enforce: refuse values beyond the model's limits"], ["widen", "widen: accept them"]], initial.limits ?? "enforce"),
    every_epochs: el("input", { type: "number", min: 1, step: 1, value: initial.checkpoint?.every_epochs ?? 1 }),
    keep: el("input", { type: "number", min: 1, max: 100, step: 1, value: initial.checkpoint?.keep ?? 3 }),
    max_attempts: el("input", { type: "number", min: 1, max: 1000, step: 1, value: initial.max_attempts ?? 3 }),
    timeout_seconds: el("input", { type: "number", min: 1, step: "any", value: initial.timeout_seconds ?? null, placeholder: "none" }),
  };
  const element = el("section", { class: "card part", "aria-label": "Job" }, [
    el("h2", {}, "Job"),
    el("div", { class: "fields" }, [
      field("/name", "Name", input.name, "also the name of its files"),
      field("/labels", "Labels", input.labels, "key=value, separated by commas"),
      field("/report", "Report", input.report),
    ]),
    el("details", {}, [
      el("summary", {}, "Engine, checkpoints, limits"),
      el("div", { class: "fields" }, [
        field("/engine", "Engine", input.engine),
        field("/compute_units", "Compute units", input.compute_units, "the hardware that Core ML may use"),
        field("/limits", "Limits", input.limits),
        field("/checkpoint/every_epochs", "Checkpoint every … epochs", input.every_epochs),
        field("/checkpoint/keep", "Checkpoints kept", input.keep, "1 to 100, the newest"),
        field("/max_attempts", "Maximum attempts", input.max_attempts, "1 to 1000"),
        field("/timeout_seconds", "Time limit in seconds", input.timeout_seconds),
      ]),
    ]),
  ]);

  function value() {
    const checkpoint = { every_epochs: numberIn(input.every_epochs) ?? 1, keep: numberIn(input.keep) ?? 3 };
    const settings = { engine: input.engine.value, compute_units: input.compute_units.value, report: input.report.value, limits: input.limits.value, checkpoint };
    if (input.name.value.trim()) settings.name = input.name.value.trim();
    if (input.labels.value.trim()) settings.labels = labelsIn(input.labels.value);
    if (numberIn(input.max_attempts) !== null) settings.max_attempts = numberIn(input.max_attempts);
    if (numberIn(input.timeout_seconds) !== null) settings.timeout_seconds = numberIn(input.timeout_seconds);
    return settings;
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
