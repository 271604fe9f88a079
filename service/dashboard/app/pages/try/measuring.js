// How good the model is on a split: accuracy, what it takes for what, and its worst mistakes.
import { scrollRegion } from "../../components/scroll-region.js";
import { isPicture, shortened, thumbnail } from "../../components/thumbnail.js";
import { get, post } from "../../lib/api.js";
import { el, problemBox } from "../../lib/dom.js";
import { count, figure, percent } from "../../lib/format.js";

const MOST_EXAMPLES = 2000;
const MOST_CELLS = 40;

/** The part of the page; `take` is called with an example that is to be tried, and its feature. */
export function measuring(job, dataset, take) {
  const own = job.request.dataset;
  const splits = dataset.splits.map(({ name }) => el("option", { selected: name === (own.validation ?? "test") }, name));
  const choice = el("select", { "aria-label": "Split", onchange: () => measure() }, splits);
  const result = el("div", { class: "measured", "aria-live": "polite" });
  let number = 0;

  async function measure() {
    const mine = ++number;
    result.replaceChildren(el("p", { class: "muted" }, "Measuring …"));
    try {
      const body = { dataset: dataset.id, split: choice.value, max_examples: MOST_EXAMPLES };
      const report = await post(`jobs/${job.id}/evaluate`, body);
      const rows = report.worst.map((mistake) => mistake.row);
      const at = rows.map((row) => `&at=${row}`).join("");
      const shown = rows.length ? await get(`datasets/${dataset.id}/preview?split=${encodeURIComponent(choice.value)}${at}`) : { examples: [] };
      if (mine === number) result.replaceChildren(...reported(report, shown.examples, dataset, take));
    } catch (error) {
      if (mine === number) result.replaceChildren(problemBox(error));
    }
  }

  measure();
  return el("section", { class: "card", "aria-label": "How good it is" }, [
    el("div", { class: "head" }, el("h2", {}, "How good it is"), el("label", { class: "inline" }, "on", choice)),
    result,
  ]);
}

function reported(report, examples, dataset, take) {
  const total = dataset.splits.find(({ name }) => name === report.split)?.examples ?? report.examples;
  const part = report.examples < total ? ` of ${count(total)}` : "";
  const facts = el("dl", { class: "figures" }, [
    el("div", {}, el("dt", {}, "Accuracy"), el("dd", {}, percent(report.accuracy))),
    el("div", {}, el("dt", {}, "Loss"), el("dd", {}, figure(report.loss))),
    el("div", {}, el("dt", {}, "Examples"), el("dd", {}, `${count(report.examples)}${part}`)),
  ]);
  return [facts, el("div", { class: "grid" }, report.confusion ? confusion(report.confusion) : null, worst(report.worst, examples, dataset, take))].filter(Boolean);
}

function confusion({ labels, matrix }) {
  if (labels.length > MOST_CELLS) return el("p", { class: "muted" }, `A confusion matrix of ${labels.length} classes is too large to show.`);
  const most = Math.max(1, ...matrix.flatMap((row, y) => row.filter((_, x) => x !== y)));
  const cell = (value, x, y) => {
    const strength = x === y ? value / Math.max(1, ...matrix[y]) : value / most;
    const made = el("td", { class: `number ${x === y ? "right" : value ? "wrong" : "none"}`, title: `${labels[y]} taken for ${labels[x]}: ${value}` }, String(value));
    made.style.setProperty("--strength", `${Math.round(12 + 30 * strength)}%`);
    return made;
  };
  return el("div", {}, [
    el("h3", {}, "Confusion matrix"),
    el("p", { class: "muted" }, "Each row is a true class, each column what it was taken for."),
    scrollRegion(
      "Confusion matrix",
      el("table", { class: "confusion" }, [
        el("thead", {}, el("tr", {}, el("td", {}), labels.map((label) => el("th", { scope: "col", class: "number" }, String(label))))),
        el("tbody", {}, matrix.map((row, y) => el("tr", {}, el("th", { scope: "row" }, String(labels[y])), row.map((value, x) => cell(value, x, y))))),
      ]),
    ),
  ]);
}

function worst(mistakes, examples, dataset, take) {
  const feature = dataset.features.find(isPicture);
  const tile = (mistake, n) => {
    const { label, predicted, probability } = mistake;
    const said = `${label} taken for ${predicted}`;
    const example = examples[n];
    const inputs = dataset.features.slice(0, -1).map(({ name }) => shortened(example?.[name]));
    const what = example && feature ? thumbnail(example[feature.name], feature, said) : el("span", { class: "mono" }, inputs.join("; "));
    const ask = () => take(feature ? example[feature.name] : example, feature);
    return el("li", {}, el("button", { type: "button", onclick: ask, disabled: !example, title: "Try this one" }, what, el("span", {}, el("b", {}, String(label)), " → ", el("b", { class: "danger" }, String(predicted))), el("small", { class: "muted" }, percent(probability))));
  };
  return el("div", {}, [
    el("h3", {}, "Worst mistakes"),
    mistakes.length
      ? [el("p", { class: "muted" }, "What the model was surest of and wrong: truth → answer. Press one to try it."), el("ul", { class: "mistakes" }, mistakes.map(tile))]
      : el("p", { class: "muted" }, "It made none on these examples."),
  ]);
}
