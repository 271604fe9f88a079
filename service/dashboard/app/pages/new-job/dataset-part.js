// What the model is trained on: a dataset, its splits, its first examples.
import { datasetDrop } from "../../components/dataset-drop.js";
import { exampleStrip } from "../../components/example-strip.js";
import { get } from "../../lib/api.js";
import { el } from "../../lib/dom.js";
import { choice, field, numberIn } from "../../lib/fields.js";
import { count } from "../../lib/format.js";

const NONE = "";
const HELD = " held"; // no split is called that: names have no blanks at their beginning

/** The part of the form; `value()` gives what the request says of the dataset. */
export async function datasetPart(wish) {
  const known = (await get("datasets?limit=100")).data;
  if (wish.id && !known.some(({ id, name }) => id === wish.id || name === wish.id)) {
    const found = await get(`datasets/${encodeURIComponent(wish.id)}`).catch(() => null);
    if (found) known.push(found);
  }
  const first = known.find(({ id, name }) => id === wish.id || name === wish.id) ?? known[0];
  const select = el("select", { onchange: () => show(current()) }, known.map((manifest) => option(manifest)));
  const details = el("div", { class: "of-dataset" });
  let splits = null;

  const current = () => known.find(({ id }) => id === select.value);

  function show(manifest) {
    if (!manifest) {
      details.replaceChildren(el("p", { class: "muted" }, "There is no dataset yet: drop one above."));
      return;
    }
    const names = manifest.splits.map(({ name, examples }) => [name, `${name} (${count(examples)})`]);
    const has = (name) => names.some(([each]) => each === name);
    const usual = ["validation", "test"].find(has) ?? NONE;
    const mine = manifest.id === wish.id;
    const train = choice(names, mine ? wish.train : has("train") ? "train" : names[0][0]);
    const held = mine && wish.validation_fraction;
    const validation = choice([[NONE, "none"], [HELD, "a share of it, held out"], ...names], held ? HELD : mine ? wish.validation ?? NONE : usual);
    const fraction = el("input", { type: "number", min: 0.01, max: 0.99, step: "any", value: held || 0.1 });
    const share = field("/dataset/validation_fraction", "Share held out", fraction);
    const turn = () => (share.hidden = validation.value !== HELD);
    validation.addEventListener("change", turn);
    turn();
    splits = { train, validation, fraction };
    const strip = el("div", {}, exampleStrip(manifest, train.value));
    train.addEventListener("change", () => strip.replaceChildren(exampleStrip(manifest, train.value)));
    details.replaceChildren(
      el("div", { class: "fields" }, field("/dataset/train", "Train on", train), field("/dataset/validation", "Validate on", validation), share),
      strip,
    );
  }

  function added(manifest) {
    if (!current() || !known.some(({ id }) => id === manifest.id)) {
      known.unshift(manifest);
      select.prepend(option(manifest));
    }
    select.value = manifest.id;
    show(manifest);
  }

  function option(manifest) {
    return el("option", { value: manifest.id, selected: manifest === first }, manifest.name ?? manifest.id);
  }

  show(first);
  const element = el("section", { class: "card part", "aria-label": "Dataset", "data-pointer": "/dataset" }, [
    el("h2", {}, "Dataset"),
    el("div", { class: "row" }, field("/dataset/id", "Which", select), datasetDrop(added)),
    details,
    el("small", { class: "fault" }),
  ]);

  function value() {
    const manifest = current();
    if (!manifest) throw Object.assign(new Error("Drop a dataset, or choose one."), { title: "A job needs a dataset", faults: [] });
    const { train, validation, fraction } = splits;
    const made = { id: manifest.id, train: train.value };
    if (validation.value === HELD) made.validation_fraction = numberIn(fraction);
    else if (validation.value !== NONE) made.validation = validation.value;
    if (manifest.id === wish.id && wish.bind) made.bind = wish.bind;
    return made;
  }

  return { element, value };
}
