// The model to train: a preset, an upload, another job's model, or a spec that the reader writes.
import "../../components/spec-editor.js";
import { dropZone } from "../../components/drop-zone.js";
import { get, request } from "../../lib/api.js";
import { el } from "../../lib/dom.js";
import { choice } from "../../lib/fields.js";
import { count } from "../../lib/format.js";
import { modelOf, presets, trainedPart } from "../../lib/models.js";
import { upload } from "../../lib/upload.js";

const WRITE = "write";

/**
 * The part of the form. `chosen(model)` is called with the model's description, or null, after each change; `source()`
 * returns the request's `model`.
 */
export async function modelPart(initial, chosen) {
  const [known, uploaded] = await Promise.all([presets(), get("models?limit=100")]);
  const options = new Map(known.map(({ name }) => [`preset ${name}`, { source: { preset: name }, text: `${name} (preset)` }]));
  for (const { id, name } of uploaded.data) options.set(`id ${id}`, { source: { id }, text: name ?? id });
  if (initial.job) options.set(`job ${initial.job}`, { source: { job: initial.job }, text: `trained model of ${initial.job}` });
  if (initial.id && ![...options.values()].some(({ source }) => source.id === initial.id)) options.set(`id ${initial.id}`, { source: { id: initial.id }, text: initial.id });
  options.set(WRITE, { source: null, text: "Write a spec" });

  const select = choice([...options].map(([key, { text }]) => [key, text]), keyOf(initial));
  select.setAttribute("aria-label", "Model");
  const editor = el("spec-editor");
  const start = el("button", { type: "button", onclick: () => begin() }, "Begin with a preset's spec");
  const writing = el("div", { class: "writing", hidden: true }, el("p", { class: "muted" }, "JSON or YAML, in Pippin's spec language or as SwiftCoreMLTools writes it. Errors are marked while you type."), start, editor);
  const messages = el("div", { class: "model-told", "aria-live": "polite" });
  let described = null;
  let visit = 0;

  function describe(model) {
    described = model;
    messages.replaceChildren(...(model ? [brief(model)] : []));
    chosen(model);
  }

  async function turn() {
    const mine = ++visit;
    writing.hidden = select.value !== WRITE;
    if (select.value === WRITE) return editor.text ? editor.changed() : describe(null);
    try {
      const model = await modelOf(options.get(select.value).source);
      if (mine === visit) describe(model);
    } catch (error) {
      if (mine !== visit) return null;
      describe(null);
      messages.replaceChildren(el("p", { class: "fault" }, error.message));
    }
    return null;
  }

  async function begin() {
    editor.text = await (await request(`presets/${known[0].name}/spec`)).text();
  }

  async function send([file], onProgress) {
    const record = await upload(`models?${new URLSearchParams({ name: file.name.replace(/\.(mlmodel|json|ya?ml)$/i, "") })}`, [file], onProgress);
    const key = `id ${record.id}`;
    if (!options.has(key)) {
      options.set(key, { source: { id: record.id }, text: record.name ?? record.id });
      select.prepend(el("option", { value: key }, record.name ?? record.id));
    }
    select.value = key;
    await turn();
  }

  select.addEventListener("change", turn);
  editor.addEventListener("described", (event) => select.value === WRITE && describe(event.detail));
  const element = el("section", { class: "card part", "aria-label": "Model", "data-pointer": "/model" }, [
    el("h2", {}, "Model"),
    el("div", { class: "row" }, select, dropZone({ label: "Upload a model", hint: "or drop it: .mlmodel, JSON, YAML", accept: ".mlmodel,.json,.yaml,.yml", send })),
    writing,
    messages,
    el("small", { class: "fault" }),
  ]);

  async function source() {
    if (select.value !== WRITE) return options.get(select.value).source;
    if (!described) throw Object.assign(new Error("Correct the marked lines first."), { title: "The spec has faults", faults: [] });
    if (editor.isJson) {
      const document = JSON.parse(editor.text);
      return "neuralNetwork" in document ? { swiftcoremltools: document } : { spec: document };
    }
    // The request is JSON, so a spec in YAML is stored as a model first.
    const answer = await request("models", { method: "POST", body: editor.text, headers: { "content-type": "application/yaml" } });
    return { id: (await answer.json()).id };
  }

  /** The choice, also while it cannot be submitted yet. */
  function entered() {
    return select.value === WRITE ? { text: editor.text } : options.get(select.value).source;
  }

  const document = initial.spec ?? initial.swiftcoremltools;
  return {
    element,
    source,
    entered,
    begin: () => {
      if (initial.text || document) editor.text = initial.text ?? JSON.stringify(document, null, 2);
      return turn();
    },
  };
}

function keyOf(initial) {
  for (const kind of ["preset", "id", "job"]) if (initial[kind]) return `${kind} ${initial[kind]}`;
  return initial.spec || initial.swiftcoremltools || "text" in initial ? WRITE : null;
}

function brief(model) {
  const trained = trainedPart(model);
  const inputs = model.inputs.map(({ name, shape }) => `${name}${shape ? ` [${shape.join(" × ")}]` : ""}`).join(", ");
  const parts = [`Takes ${inputs}`];
  if (trained.layers) parts.push(`${trained.layers.length} layers`, `${count(trained.parameter_count)} parameters`, trained.loss.replaceAll("_", " "), trained.optimizer);
  return el("p", { class: "muted" }, parts.join(" · "));
}
