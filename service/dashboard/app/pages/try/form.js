// A form with a field for each input number of a model, or a field for JSON.
import { answerBars, REQUESTED_CLASSES } from "../../components/answer-bars.js";
import { get, post } from "../../lib/api.js";
import { el, problemBox } from "../../lib/dom.js";
import { field as labelled } from "../../lib/fields.js";

const MAX_FIELDS = 64;

/** The part of the page for any other model; `take` fills the fields from an example. */
export function askingForm(job, model, dataset) {
  const answer = el("div", { class: "says" }, el("p", { class: "muted" }, "Enter numbers, then press Predict."));
  const inputs = (model?.inputs ?? []).map((input) => field(input));
  const whole = model ? null : el("textarea", { rows: 8, "aria-label": "The body of the request, JSON" }, '{"inputs": {}}');

  async function ask(event) {
    event?.preventDefault();
    try {
      const body = whole ? parsed(whole.value, "The body") : { inputs: Object.fromEntries(inputs.map(({ name, read }) => [name, [read()]])) };
      answer.replaceChildren(answerBars(await post(`jobs/${job.id}/predict?top=${REQUESTED_CLASSES}`, body)));
    } catch (error) {
      answer.replaceChildren(problemBox(error));
    }
  }

  /** Fills the fields with an example's values, scaled as in the training, and predicts. */
  function take(example) {
    for (const input of inputs) {
      const name = job.request.dataset.bind?.[input.name] ?? input.name;
      const feature = dataset.features.find((each) => each.name === name);
      if (feature) input.fill(scaled(example[name], input.type === "image" ? 1 : feature.scale));
    }
    ask();
  }

  async function fill() {
    const split = job.request.dataset.validation ?? job.request.dataset.train;
    const { examples } = dataset.splits.find((each) => each.name === split) ?? dataset.splits[0];
    const at = Math.floor(Math.random() * examples);
    const { examples: [example], truncated } = await get(`datasets/${dataset.id}/preview?split=${encodeURIComponent(split)}&at=${at}`);
    if (truncated.length) throw new Error(`An example's ${truncated.join(", ")} is too large to fill in.`);
    take(example);
  }

  const element = el("section", { class: "card trying", "aria-label": "Ask the model" }, [
    el("form", { class: "asking", onsubmit: ask }, [
      el("h2", {}, "Inputs"),
      whole ?? inputs.map((input) => input.element),
      el("div", { class: "tools" }, [
        el("button", { class: "primary" }, "Predict"),
        dataset && !whole ? el("button", { type: "button", onclick: () => fill().catch((error) => answer.replaceChildren(problemBox(error))) }, "Fill in an example") : null,
      ]),
    ]),
    el("div", { class: "saying" }, el("h2", {}, "Prediction"), answer),
  ]);
  return { element, take };
}

/** The fields of an input: the element, and functions to read and fill it. */
function field({ name, shape, type }) {
  const size = (shape ?? [1]).reduce((product, length) => product * length, 1);
  const legend = `${name}${shape ? ` [${shape.join(" × ")}]` : ""}`;
  if (size > MAX_FIELDS) {
    const box = el("textarea", { rows: 6 }, JSON.stringify(zeros(shape)));
    const element = labelled(null, legend, box, "JSON, nested by its shape");
    return { name, type, element, read: () => parsed(box.value, name), fill: (value) => (box.value = JSON.stringify(value)) };
  }
  const boxes = Array.from({ length: size }, (_, n) => el("input", { type: "number", step: "any", value: 0, required: true, "aria-label": `${name} ${n + 1}` }));
  const read = () => folded(boxes.map((box) => box.valueAsNumber), shape ?? []);
  const fill = (value) => [value].flat(Infinity).forEach((number, n) => boxes[n] && (boxes[n].value = number));
  return { name, type, element: el("fieldset", {}, el("legend", {}, legend), el("div", { class: "numbers" }, boxes)), read, fill };
}

function parsed(text, what) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw Object.assign(new Error(`${what}: ${error.message}`), { title: "This is not JSON" });
  }
}

/** @param {number[]} shape */
const zeros = (shape) => Array.from({ length: shape[0] }, () => (shape.length > 1 ? zeros(shape.slice(1)) : 0));
const scaled = (value, scale) => (Array.isArray(value) ? value.map((each) => scaled(each, scale)) : value * scale);

function folded(numbers, shape) {
  if (!shape.length) return numbers[0];
  const [length, ...rest] = shape;
  const each = numbers.length / length;
  return Array.from({ length }, (_, n) => (rest.length ? folded(numbers.slice(n * each, (n + 1) * each), rest) : numbers[n]));
}
