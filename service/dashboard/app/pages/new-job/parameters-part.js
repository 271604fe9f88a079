// The model's hyperparameters, each with its limits.
import { el } from "../../lib/dom.js";
import { choice, field, numberIn } from "../../lib/fields.js";
import { figure } from "../../lib/format.js";
import { trainedPart } from "../../lib/models.js";

const DEFAULT = "";

/** The part of the form; `show(model)` creates its fields, `value()` returns the entered values. */
export function parametersPart(initial) {
  const place = el("div", { class: "fields" });
  const element = el("section", { class: "card part", "aria-label": "Hyperparameters", "data-pointer": "/hyperparameters" }, [
    el("h2", {}, "Hyperparameters"),
    el("p", { class: "muted" }, "Empty fields use the model's default."),
    place,
    el("small", { class: "fault" }),
  ]);
  let fields = new Map();
  // While the reader writes a spec it is invalid at times: entered values are kept meanwhile.
  const entered = { ...initial };

  function show(model) {
    Object.assign(entered, value());
    fields = new Map();
    if (!model) {
      place.replaceChildren(el("p", { class: "muted" }, "Choose a model first."));
      return;
    }
    const inputs = Object.entries(declared(model)).map(([name, parameter]) => {
      const input = inputFor(parameter, entered[name]);
      fields.set(name, () => numberIn(input));
      return field(`/hyperparameters/${name}`, label(name), input, range(parameter));
    });
    place.replaceChildren(...inputs, shuffling(entered.shuffle), seeding(entered.seed));
  }

  function shuffling(chosen) {
    const select = choice([[DEFAULT, "as the model says"], ["true", "yes"], ["false", "no"]], chosen ?? DEFAULT);
    fields.set("shuffle", () => (select.value === DEFAULT ? null : select.value === "true"));
    return field("/hyperparameters/shuffle", "Shuffle", select, "the examples, in each epoch");
  }

  function seeding(chosen) {
    const input = el("input", { type: "number", step: 1, value: chosen ?? null, placeholder: "as the model says" });
    fields.set("seed", () => numberIn(input));
    return field("/hyperparameters/seed", "Seed", input, "of the order of the examples: the same seed gives the same training");
  }

  function value() {
    const all = [...fields].map(([name, read]) => [name, read()]).filter(([, number]) => number !== null);
    return Object.fromEntries(all);
  }

  return { element, show, value };
}

function declared(model) {
  const trained = trainedPart(model);
  return trained.hyperparameters ?? { number_of_neighbors: trained.neighbors.number_of_neighbors };
}

function inputFor({ default: usual, minimum, maximum, allowed }, chosen) {
  if (allowed) return choice([[DEFAULT, `${usual} (default)`], ...allowed.filter((each) => each !== usual)], chosen === usual ? DEFAULT : chosen ?? DEFAULT);
  // The service checks the limits: with `limits: widen` a value may be outside them.
  return el("input", { type: "number", step: "any", value: chosen ?? null, placeholder: String(usual), "data-min": minimum, "data-max": maximum });
}

function range({ minimum, maximum, allowed }) {
  if (allowed) return "one of these";
  const has = (value) => value !== null && value !== undefined;
  if (has(minimum) && has(maximum)) return `${figure(minimum)} to ${figure(maximum)}`;
  if (has(minimum)) return `at least ${figure(minimum)}`;
  return has(maximum) ? `at most ${figure(maximum)}` : "any valid value";
}

function label(name) {
  const text = name.replaceAll("_", " ");
  return text[0].toUpperCase() + text.slice(1);
}
