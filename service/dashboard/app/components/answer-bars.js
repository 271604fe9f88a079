// The answer of a model: bars of probabilities, or numbers.
import { el } from "../lib/dom.js";
import { figure } from "../lib/format.js";

const MAX_ORDERED_CLASSES = 12;

/** The number of classes to request. With fewer, all of them are shown, in their own order. */
export const REQUESTED_CLASSES = MAX_ORDERED_CLASSES;

/** The element for the answer to one example, a `Prediction` of the API. */
export function answerBars(prediction) {
  const choices = prediction.top?.[0];
  return choices?.length ? bars(choices) : outputs(prediction.outputs);
}

function bars(choices) {
  const best = choices[0];
  const few = choices.length < MAX_ORDERED_CLASSES;
  const shown = few ? [...choices].sort((one, other) => compare(one.label, other.label)) : choices;
  return el(
    "div",
    { class: "answer" },
    el("p", { class: "verdict", role: "status" }, el("strong", {}, String(best.label)), ` ${share(best.probability)}`),
    el("ol", { class: "bars" }, shown.map((choice) => bar(choice, choice === best))),
  );
}

function bar({ label, probability }, best) {
  const meter = el("meter", { min: 0, max: 1, value: probability ?? 0, "aria-label": `Probability of ${label}` });
  return el("li", { class: best ? "best" : null }, el("span", { class: "label" }, String(label)), meter, el("span", { class: "share" }, share(probability)));
}

function outputs(outputsByName) {
  const rows = Object.entries(outputsByName).map(([name, batch]) => [el("dt", {}, name), el("dd", { class: "mono" }, valueText(batch[0]))]);
  return el("div", { class: "answer", role: "status" }, el("dl", { class: "facts" }, rows.flat()));
}

function valueText(value) {
  if (Array.isArray(value)) return value.length === 1 ? valueText(value[0]) : `[${value.map(valueText).join(", ")}]`;
  if (typeof value === "number") return figure(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

const share = (probability) => (probability === null ? "–" : `${(100 * probability).toFixed(1)} %`);
const compare = (one, other) => (typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other)));
