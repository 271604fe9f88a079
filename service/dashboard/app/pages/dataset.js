// A dataset: its examples, the number of examples of each class, its features.
import { confirmed } from "../components/confirm.js";
import { exampleStrip } from "../components/example-strip.js";
import { scrollRegion } from "../components/scroll-region.js";
import { get, remove } from "../lib/api.js";
import { el, problemBox } from "../lib/dom.js";
import { choice } from "../lib/fields.js";
import { ago, bytes, count, figure } from "../lib/format.js";
import { visitPage } from "../lib/router.js";
import { stylesheet } from "../lib/stylesheet.js";

export const title = "Dataset";
const SHOWN = 48;
const MAX_CLASSES = 60;

export async function show(main, { id }) {
  const [dataset] = await Promise.all([get(`datasets/${encodeURIComponent(id)}`), stylesheet(new URL("./dataset.css", import.meta.url))]);
  const name = dataset.name ?? dataset.id;
  const messages = el("div", {});

  async function confirmDelete() {
    if (!(await confirmed({ title: `Delete ${name}?`, text: "Jobs that were submitted with it keep what they need.", yes: "Delete it" }))) return;
    try {
      await remove(`datasets/${dataset.id}`);
      visitPage("/datasets");
    } catch (error) {
      messages.replaceChildren(problemBox(error));
    }
  }

  const names = dataset.splits.map((split) => [split.name, `${split.name} (${count(split.examples)})`]);
  const strip = el("div", {}, exampleStrip(dataset, dataset.splits[0].name, SHOWN));
  const select = choice(names, dataset.splits[0].name);
  select.setAttribute("aria-label", "Split");
  select.addEventListener("change", () => strip.replaceChildren(exampleStrip(dataset, select.value, SHOWN)));

  main.append(
    el("div", { class: "head" }, [
      el("h1", {}, name),
      el("div", { class: "actions" }, [
        el("a", { class: "button primary", href: `#/new?dataset=${dataset.id}` }, "Train on it"),
        el("button", { type: "button", class: "danger", onclick: confirmDelete }, "Delete"),
      ]),
    ]),
    messages,
    ...(dataset.notices ?? []).map((notice) => el("p", { class: "notice" }, notice)),
    el("section", { class: "card of-split" }, el("div", { class: "head" }, el("h2", {}, "Examples"), el("label", { class: "inline" }, "of", select)), strip),
    el("div", { class: "grid" }, balance(dataset), facts(dataset)),
  );
}

function facts(dataset) {
  const pairs = [
    ["Id", el("span", { class: "mono" }, dataset.id)],
    ["Format", dataset.format],
    ["Size", bytes(dataset.bytes)],
    ["Since", ago(dataset.created_at)],
    ["Digest", el("span", { class: "mono" }, dataset.digest)],
  ];
  const row = ({ name, shape, dtype, scale }) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "mono" }, shape.join(" × ")), el("td", {}, dtype), el("td", { class: "number" }, scale === 1 ? "1" : Math.abs(scale * 255 - 1) < 1e-6 ? "1/255" : figure(scale)));
  const heads = ["Feature", "Shape", "Type"].map((text) => el("th", { scope: "col" }, text));
  return el("section", { class: "card" }, [
    el("h2", {}, "Details"),
    el("dl", { class: "facts" }, pairs.map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])),
    scrollRegion("Features", el("table", {}, el("thead", {}, el("tr", {}, heads, el("th", { scope: "col", class: "number" }, "Scale"))), el("tbody", {}, dataset.features.map(row)))),
  ]);
}

function balance(dataset) {
  const place = el("div", { class: "balance" });
  get(`datasets/${dataset.id}/classes`)
    .then(({ splits }) => place.replaceChildren(...Object.entries(splits).map(([split, counts]) => spread(split, counts))))
    .catch((error) => place.replaceChildren(error.status === 422 ? el("p", { class: "muted" }, error.faults[0]?.detail ?? error.message) : problemBox(error)));
  return el("section", { class: "card" }, el("h2", {}, "Class balance"), place);
}

function spread(split, counts) {
  const largest = Math.max(...counts.map(({ examples }) => examples));
  const total = counts.reduce((sum, { examples }) => sum + examples, 0);
  const row = ({ label, examples }) => {
    const bar = el("span", { class: "bar-of", "aria-hidden": "true" });
    bar.style.setProperty("--share", `${(100 * examples) / largest}%`);
    return el("li", {}, el("span", { class: "label" }, String(label)), bar, el("span", { class: "number" }, `${count(examples)} · ${((100 * examples) / total).toFixed(1)} %`));
  };
  const left = counts.length - MAX_CLASSES;
  return el("div", {}, el("h3", {}, `${split}: ${counts.length} classes`), el("ul", {}, counts.slice(0, MAX_CLASSES).map(row)), left > 0 ? el("p", { class: "muted" }, `and ${left} more`) : null);
}
