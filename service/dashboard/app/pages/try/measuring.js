// The quality of the model on a split: accuracy, confusion matrix, worst mistakes.
import { scrollRegion } from "../../components/scroll-region.js";
import { isPicture, shortened, thumbnail } from "../../components/thumbnail.js";
import { get, post } from "../../lib/api.js";
import { el, problemBox } from "../../lib/dom.js";
import { count, figure, percent } from "../../lib/format.js";

const MAX_EXAMPLES = 2000;
const MAX_CLASSES = 40;
const MAX_VALUES = 3;

/** The part of the page; `take` is called with an example to try, and its feature. */
export function measuring(job, dataset, take) {
  const choices = measurable(job.request.dataset, dataset);
  const choice = el("select", { "aria-label": "Rows to measure on", onchange: () => measure(choices[choice.selectedIndex]) }, choices.map(({ text }) => el("option", {}, text)));
  const result = el("div", { class: "measured", "aria-live": "polite" });
  let number = 0;

  /** Measures on the chosen rows, or on the service's default. */
  async function measure(chosen) {
    const mine = ++number;
    result.replaceChildren(el("p", { class: "muted" }, "Measuring …"));
    try {
      const rows = chosen ? { split: chosen.split, part: chosen.part } : {};
      const report = await post(`jobs/${job.id}/evaluate`, { dataset: dataset.id, max_examples: MAX_EXAMPLES, ...rows });
      const at = listed(report).map(({ row }) => `&at=${row}`).join("");
      const shown = at ? await get(`datasets/${dataset.id}/preview?split=${encodeURIComponent(report.split)}${at}`) : { examples: [] };
      if (mine !== number) return;
      choice.selectedIndex = choices.findIndex(({ split, part }) => split === report.split && part === report.part);
      result.replaceChildren(...reported(report, shown.examples, dataset, take));
    } catch (error) {
      if (mine === number) result.replaceChildren(problemBox(error));
    }
  }

  measure();
  return el("section", { class: "card", "aria-label": "Evaluation" }, [
    el("div", { class: "head" }, el("h2", {}, "Evaluation"), el("label", { class: "inline" }, "on", choice)),
    result,
  ]);
}

/** The rows to choose from: splits, and both parts of a split with held-out rows. */
function measurable(own, dataset) {
  return dataset.splits.flatMap(({ name }) => {
    if (name !== own.train) return { split: name, part: "all", text: name };
    if (!own.validation_fraction) return { split: name, part: "all", text: `${name}, trained on` };
    return [
      { split: name, part: "held_out", text: `${name}, held out` },
      { split: name, part: "trained_on", text: `${name}, trained on` },
    ];
  });
}

/** The examples that a report lists. */
const listed = ({ worst, largest_errors }) => [...worst, ...largest_errors];

function reported(report, examples, dataset, take) {
  const total = dataset.splits.find(({ name }) => name === report.split)?.examples ?? report.examples;
  const part = report.part === "all" && report.examples < total ? ` of ${count(total)}` : "";
  const figures = [
    report.accuracy === null ? null : ["Accuracy", percent(report.accuracy)],
    ["Loss", figure(report.loss)],
    ["Examples", `${count(report.examples)}${part}`],
    ["Trained on", seen(report)],
  ];
  return [
    report.notice ? el("p", { class: "notice" }, report.notice) : null,
    el("dl", { class: "figures" }, figures.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    el("div", { class: "grid" }, report.confusion ? confusion(report.confusion) : null, report.accuracy === null ? largestErrors(report, examples, dataset, take) : worst(report, examples, dataset, take)),
  ].filter(Boolean);
}

/** How many of the measured examples the model was trained on. */
function seen({ seen_in_training: seen, examples }) {
  if (seen === null) return "not known";
  if (seen === 0) return "none of them";
  return seen === examples ? "all of them" : `${count(seen)} of them`;
}

function confusion({ labels, matrix }) {
  if (labels.length > MAX_CLASSES) return el("p", { class: "muted" }, `A confusion matrix of ${labels.length} classes is too large to show.`);
  const largest = Math.max(1, ...matrix.flatMap((row, y) => row.filter((_, x) => x !== y)));
  const cell = (value, x, y) => {
    const strength = x === y ? value / Math.max(1, ...matrix[y]) : value / largest;
    const cellElement = el("td", { class: `number ${x === y ? "right" : value ? "wrong" : "none"}`, title: `${labels[y]} predicted as ${labels[x]}: ${value}` }, String(value));
    cellElement.style.setProperty("--strength", `${Math.round(12 + 30 * strength)}%`);
    return cellElement;
  };
  return el("div", {}, [
    el("h3", {}, "Confusion matrix"),
    el("p", { class: "muted" }, "Rows are true classes, columns are predicted classes."),
    scrollRegion(
      "Confusion matrix",
      el("table", { class: "confusion" }, [
        el("thead", {}, el("tr", {}, el("td", {}), labels.map((label) => el("th", { scope: "col", class: "number" }, String(label))))),
        el("tbody", {}, matrix.map((row, y) => el("tr", {}, el("th", { scope: "row" }, String(labels[y])), row.map((value, x) => cell(value, x, y))))),
      ]),
    ),
  ]);
}

function worst({ worst: mistakes }, examples, dataset, take) {
  const tiles = mistakes.map(({ row, label, predicted, probability }, n) =>
    tile(row, examples[n], dataset, take, `${label} predicted as ${predicted}`, [
      el("span", {}, el("b", {}, String(label)), " → ", el("b", { class: "danger" }, String(predicted))),
      el("small", { class: "muted" }, percent(probability)),
    ]),
  );
  return listOf("Worst mistakes", tiles, "The most confident wrong predictions: true class → prediction. Press one to try it.", "No mistakes on these examples.");
}

function largestErrors({ largest_errors: errors }, examples, dataset, take) {
  const tiles = errors.map(({ row, expected, predicted, values, loss }, n) => {
    const [wanted, answered] = [expected, predicted].map((each) => valuesText(each, values));
    return tile(row, examples[n], dataset, take, `${wanted} expected, ${answered} predicted`, [
      el("span", {}, el("b", {}, wanted), " → ", el("b", { class: "danger" }, answered)),
      el("small", { class: "muted" }, `loss ${figure(loss)}`),
    ]);
  });
  return listOf("Largest errors", tiles, "The examples with the largest loss: expected → predicted. Press one to try it.", "No errors on these examples.");
}

function valuesText(values, total) {
  const shown = values.slice(0, MAX_VALUES).map(figure).join(", ");
  return total > MAX_VALUES ? `${shown}, … (${total})` : shown;
}

function listOf(name, tiles, about, none) {
  return el("div", {}, el("h3", {}, name), tiles.length ? [el("p", { class: "muted" }, about), el("ul", { class: "mistakes" }, tiles)] : el("p", { class: "muted" }, none));
}

/** An example to try, with its result; only its row number if the preview omits it. */
function tile(row, example, dataset, take, description, outcome) {
  const feature = dataset.features.find(isPicture);
  const values = () => dataset.features.slice(0, -1).map(({ name }) => shortened(example[name])).join("; ");
  const what = example && feature ? thumbnail(example[feature.name], feature, description) : el("span", { class: "mono" }, example ? values() : `row ${count(row)}`);
  const ask = () => take(feature ? example[feature.name] : example, feature);
  return el("li", {}, el("button", { type: "button", onclick: ask, disabled: !example, title: "Try this one" }, what, outcome));
}
