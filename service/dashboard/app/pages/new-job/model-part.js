// Which model is trained: a preset, one that was uploaded, another job's, or a spec that is written here.
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
 * The part of the form. `chosen(model)` is called with the model's description, or null, whenever that changes;
 * `source()` gives what the request says of the model.
 */
export async function modelPart(wish, chosen) {
  const [known, uploaded] = await Promise.all([presets(), get("models?limit=100")]);
  const options = new Map(known.map(({ name }) => [`preset ${name}`, { source: { preset: name }, text: `${name} (preset)` }]));
  for (const { id, name } of uploaded.data) options.set(`id ${id}`, { source: { id }, text: name ?? id });
  if (wish.job) options.set(`job ${wish.job}`, { source: { job: wish.job }, text: `what ${wish.job} has learned` });
  if (wish.id && ![...options.values()].some(({ source }) => source.id === wish.id)) options.set(`id ${wish.id}`, { source: { id: wish.id }, text: wish.id });
  options.set(WRITE, { source: null, text: "Write a spec" });

  const select = choice([...options].map(([key, { text }]) => [key, text]), keyOf(wish));
  select.setAttribute("aria-label", "Model");
  const editor = el("spec-editor");
  const start = el("button", { type: "button", onclick: () => begin() }, "Begin with a preset's spec");
  const writing = el("div", { class: "writing", hidden: true }, el("p", { class: "muted" }, "JSON or YAML, in Pippin's spec language or as SwiftCoreMLTools writes it. Faults are marked as you type."), start, editor);
  const told = el("div", { class: "model-told", "aria-live": "polite" });
  let described = null;
  let visit = 0;

  function tell(model) {
    described = model;
    told.replaceChildren(...(model ? [brief(model)] : []));
    chosen(model);
  }

  async function turn() {
    const mine = ++visit;
    writing.hidden = select.value !== WRITE;
    if (select.value === WRITE) return editor.text ? editor.changed() : tell(null);
    try {
      const model = await modelOf(options.get(select.value).source);
      if (mine === visit) tell(model);
    } catch (error) {
      if (mine !== visit) return null;
      tell(null);
      told.replaceChildren(el("p", { class: "fault" }, error.message));
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
  editor.addEventListener("described", (event) => select.value === WRITE && tell(event.detail));
  const element = el("section", { class: "card part", "aria-label": "Model", "data-pointer": "/model" }, [
    el("h2", {}, "Model"),
    el("div", { class: "row" }, select, dropZone({ label: "Upload a model", hint: "or drop it: .mlmodel, JSON, YAML", accept: ".mlmodel,.json,.yaml,.yml", send })),
    writing,
    told,
    el("small", { class: "fault" }),
  ]);

  async function source() {
    if (select.value !== WRITE) return options.get(select.value).source;
    if (!described) throw Object.assign(new Error("Mend the marked lines first."), { title: "The spec has faults", faults: [] });
    if (editor.isJson) {
      const document = JSON.parse(editor.text);
      return "neuralNetwork" in document ? { swiftcoremltools: document } : { spec: document };
    }
    // A job is asked for in JSON: what is written in YAML is kept as a model first.
    const answer = await request("models", { method: "POST", body: editor.text, headers: { "content-type": "application/yaml" } });
    return { id: (await answer.json()).id };
  }

  const document = wish.spec ?? wish.swiftcoremltools;
  return {
    element,
    source,
    begin: () => {
      if (document) editor.text = JSON.stringify(document, null, 2);
      return turn();
    },
  };
}

function keyOf(wish) {
  for (const kind of ["preset", "id", "job"]) if (wish[kind]) return `${kind} ${wish[kind]}`;
  return wish.spec || wish.swiftcoremltools ? WRITE : null;
}

function brief(model) {
  const trained = trainedPart(model);
  const inputs = model.inputs.map(({ name, shape }) => `${name}${shape ? ` [${shape.join(" × ")}]` : ""}`).join(", ");
  const parts = [`Takes ${inputs}`];
  if (trained.layers) parts.push(`${trained.layers.length} layers`, `${count(trained.parameter_count)} parameters`, trained.loss.replaceAll("_", " "), trained.optimizer);
  return el("p", { class: "muted" }, parts.join(" · "));
}
