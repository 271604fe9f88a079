// The list of models: presets and uploads.
import { dropZone } from "../components/drop-zone.js";
import { scrollRegion } from "../components/scroll-region.js";
import { el, emptyState } from "../lib/dom.js";
import { ago, bytes, count } from "../lib/format.js";
import { presets, trainedPart } from "../lib/models.js";
import { everything } from "../lib/paging.js";
import { visitPage } from "../lib/router.js";
import { upload } from "../lib/upload.js";

export const title = "Models";

export async function show(main) {
  const [known, uploaded] = await Promise.all([presets(), everything("models")]);

  async function send([file], onProgress) {
    const name = file.name.replace(/\.(mlmodel|json|ya?ml)$/i, "");
    const record = await upload(`models?${new URLSearchParams({ name })}`, [file], onProgress);
    visitPage(`/models/${record.id}`);
  }

  const rows = uploaded.map(({ id, name, model, bytes: size, created_at }) => row({ id, name: name ?? id, model, size: bytes(size), since: ago(created_at) }));
  main.append(
    el("div", { class: "head" }, el("h1", {}, "Models")),
    dropZone({ label: "Upload a model", hint: "or drop it here: an updatable .mlmodel, or a spec in JSON or YAML", accept: ".mlmodel,.json,.yaml,.yml", send }),
    el("section", { class: "card" }, el("h2", {}, "Presets"), table("Presets", known.map(({ name, model }) => row({ id: `preset:${name}`, name, model, size: "–", since: "comes with Pippin" })))),
    uploaded.length
      ? el("section", { class: "card" }, el("h2", {}, "Uploaded"), table("Uploaded models", rows))
      : emptyState("No model has been uploaded", el("p", {}, "Drop one above. A job can also train a preset or a spec.")),
  );
}

function table(label, rows) {
  const head = ["Name", "Kind", "Input", "Parameters", "Size", "Since"];
  const heads = head.map((text) => el("th", { scope: "col", class: ["Parameters", "Size"].includes(text) ? "number" : null }, text));
  return scrollRegion(label, el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)));
}

function row({ id, name, model, size, since }) {
  const trained = trainedPart(model);
  const inputs = model.inputs.map(({ shape, type }) => (shape ? shape.join(" × ") : type)).join(", ");
  return el("tr", {}, [
    el("td", {}, el("a", { href: `#/models/${encodeURIComponent(id)}` }, name)),
    el("td", {}, model.kind.replaceAll("_", " ")),
    el("td", { class: "mono shapes" }, inputs),
    el("td", { class: "number" }, count(trained.parameter_count)),
    el("td", { class: "number" }, size),
    el("td", {}, since),
  ]);
}
