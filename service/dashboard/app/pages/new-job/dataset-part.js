// The dataset for the training: its splits, its first examples.
import { datasetDrop } from "../../components/dataset-drop.js";
import { exampleStrip } from "../../components/example-strip.js";
import { get } from "../../lib/api.js";
import { el } from "../../lib/dom.js";
import { choice, field, numberIn } from "../../lib/fields.js";
import { count } from "../../lib/format.js";

const NONE = "";
const HELD = " held"; // cannot be the name of a split, which never begins with a blank

/** The part of the form; `value()` returns the request's `dataset`. */
export async function datasetPart(initial) {
  const known = (await get("datasets?limit=100")).data;
  if (initial.id && !known.some(({ id, name }) => id === initial.id || name === initial.id)) {
    const stored = await get(`datasets/${encodeURIComponent(initial.id)}`).catch(() => null);
    if (stored) known.push(stored);
  }
  const first = known.find(({ id, name }) => id === initial.id || name === initial.id) ?? known[0];
  const select = el("select", { onchange: choose }, known.map((manifest) => option(manifest)));
  const details = el("div", { class: "of-dataset" });
  let splits = null;
  let blocking = null; // why the chosen dataset may not be what the reader wants

  const current = () => known.find(({ id }) => id === select.value);

  function show(manifest) {
    if (!manifest) {
      details.replaceChildren(el("p", { class: "muted" }, "There is no dataset yet: drop one above."));
      return;
    }
    const names = manifest.splits.map(({ name, examples }) => [name, `${name} (${count(examples)})`]);
    const has = (name) => names.some(([each]) => each === name);
    const usual = ["validation", "test"].find(has) ?? NONE;
    const mine = manifest.id === initial.id;
    const train = choice(names, mine ? initial.train : has("train") ? "train" : names[0][0]);
    const held = mine && initial.validation_fraction;
    const validation = choice([[NONE, "none"], [HELD, "a share of it, held out"], ...names], held ? HELD : mine ? initial.validation ?? NONE : usual);
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

  function choose() {
    blocking = null;
    show(current());
  }

  function added(manifest) {
    blocking = null;
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
    el("div", { class: "row" }, field("/dataset/id", "Which", select), datasetDrop(added, (reason) => (blocking = reason))),
    details,
    el("small", { class: "fault" }),
  ]);

  function value() {
    if (blocking) throw Object.assign(new Error(blocking), { title: "The upload has not succeeded", faults: [] });
    const manifest = current();
    if (!manifest) throw Object.assign(new Error("Drop or choose a dataset."), { title: "A job needs a dataset", faults: [] });
    const { train, validation, fraction } = splits;
    const chosen = { id: manifest.id, train: train.value };
    if (validation.value === HELD) chosen.validation_fraction = numberIn(fraction);
    else if (validation.value !== NONE) chosen.validation = validation.value;
    if (manifest.id === initial.id && initial.bind) chosen.bind = initial.bind;
    return chosen;
  }

  return { element, value };
}
