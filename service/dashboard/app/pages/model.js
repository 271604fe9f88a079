// A model: what goes in and comes out, its layers, what a job may choose, and its graph in Netron.
import { confirmed } from "../components/confirm.js";
import { layerDiagram } from "../components/layer-diagram.js";
import { scrollRegion } from "../components/scroll-region.js";
import { get, remove } from "../lib/api.js";
import { el, problemBox } from "../lib/dom.js";
import { ago, bytes, count, figure } from "../lib/format.js";
import { presets, trainedPart } from "../lib/models.js";
import { visitPage } from "../lib/router.js";
import { stylesheet } from "../lib/stylesheet.js";

export const title = "Model";

export async function show(main, { id }) {
  const [record] = await Promise.all([id.startsWith("preset:") ? ofPreset(id.slice(7)) : ofUpload(id), stylesheet(new URL("./model.css", import.meta.url))]);
  const { model, name, path, start } = record;
  const trained = trainedPart(model);
  const told = el("div", {});

  async function forget() {
    if (!(await confirmed({ title: `Delete ${name}?`, text: "Jobs that were submitted with it keep what they need.", yes: "Delete it" }))) return;
    try {
      await remove(path);
      visitPage("/models");
    } catch (error) {
      told.replaceChildren(problemBox(error));
    }
  }

  main.append(
    el("div", { class: "head" }, [
      el("h1", {}, name),
      el("div", { class: "actions" }, [
        el("a", { class: "button primary", href: start }, "Train it"),
        el("a", { class: "button", href: `${path}/file`, download: true }, "Download"),
        record.uploaded ? el("button", { type: "button", class: "danger", onclick: forget }, "Delete") : null,
      ]),
    ]),
    told,
    el("div", { class: "grid" }, facts(record, trained), choices(trained)),
    findings(record.findings),
    el("section", { class: "card" }, el("h2", {}, "Layers"), networks(model).map(([called, network]) => [called ? el("h3", {}, called) : null, layerDiagram(network)])),
    graph(`${path}/file`, name),
  );
}

async function ofPreset(name) {
  const found = (await presets()).find((preset) => preset.name === name);
  if (!found) throw Object.assign(new Error("The page Models lists those that there are."), { title: `There is no preset ${name}` });
  return { ...found, path: `presets/${encodeURIComponent(name)}`, start: `#/new?preset=${encodeURIComponent(name)}`, findings: found.model.findings, uploaded: false };
}

async function ofUpload(id) {
  const path = `models/${encodeURIComponent(id)}`;
  const record = await get(path);
  return { ...record, name: record.name ?? record.id, path, start: `#/new?model=${encodeURIComponent(record.id)}`, uploaded: true };
}

function facts(record, trained) {
  const { model } = record;
  const said = ({ name, shape, type, color }) => `${name}: ${shape ? `${shape.join(" × ")} ` : ""}${color ?? type}`;
  const pairs = [
    ["Kind", model.kind.replaceAll("_", " ")],
    ["Inputs", model.inputs.map(said).join("; ")],
    ["Outputs", model.outputs.map(said).join("; ")],
    ["Trained with", model.training_inputs.map(said).join("; ")],
    ["Loss", trained.loss?.replaceAll("_", " ")],
    ["Optimizer", trained.optimizer],
    ["Parameters", trained.parameter_count === undefined ? null : count(trained.parameter_count)],
    ["Neighbours", trained.neighbors ? `${count(trained.neighbors.samples)} samples of ${trained.neighbors.dimensions} numbers, ${trained.neighbors.index.replace("_", "-")} index` : null],
    ["Labels", trained.labels ? trained.labels.slice(0, 20).join(", ") : null],
    ["File", record.uploaded ? `${bytes(record.bytes)}, from ${record.source}, ${ago(record.created_at)}` : null],
    ["Digest", record.digest ? el("span", { class: "mono" }, record.digest) : null],
  ].filter(([, value]) => value);
  return el("section", { class: "card" }, el("h2", {}, "What it is"), el("dl", { class: "facts" }, pairs.map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])));
}

function choices(trained) {
  const declared = Object.entries(trained.hyperparameters ?? { number_of_neighbors: trained.neighbors.number_of_neighbors });
  const row = ([name, { default: usual, minimum, maximum, allowed }]) =>
    el("tr", {}, [
      el("th", { scope: "row" }, name.replaceAll("_", " ")),
      el("td", { class: "number" }, figure(usual)),
      el("td", {}, allowed ? allowed.join(", ") : [minimum, maximum].every((each) => each === null || each === undefined) ? "any" : `${figure(minimum)} to ${figure(maximum)}`),
    ]);
  const head = el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Hyperparameter"), el("th", { scope: "col", class: "number" }, "Default"), el("th", { scope: "col" }, "Allowed")));
  return el("section", { class: "card" }, el("h2", {}, "What a job may choose"), scrollRegion("Hyperparameters", el("table", {}, head, el("tbody", {}, declared.map(row)))));
}

function findings(found) {
  if (!found.length) return el("p", { class: "muted" }, "Nothing is known to go wrong with it in Core ML.");
  return el("section", { class: "card" }, el("h2", {}, "What may go wrong"), el("ul", { class: "findings" }, found.map(({ pointer, detail }) => el("li", {}, el("code", {}, pointer), " ", detail))));
}

function networks(model) {
  if (model.kind === "pipeline") return [...model.front.map((network, n) => [`Frozen network ${n + 1}`, network]), ["Trained", model.last]];
  return [["", model]];
}

/** Netron, once it is asked for: it is a megabyte. */
function graph(file, name) {
  const query = new URLSearchParams({ url: `../${file}`, identifier: `${name.replace(/\.mlmodel$/i, "")}.mlmodel` });
  const address = `netron/?${query}`;
  const place = el("div", { class: "graph" });
  const open = el("button", { type: "button", onclick: () => place.replaceChildren(el("iframe", { src: address, title: `Graph of ${name} in Netron` })) }, "Show the graph");
  place.append(open, el("span", { class: "muted" }, "Every layer with its attributes and weights."));
  return el("section", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Graph in Netron"), el("div", { class: "actions" }, el("a", { href: address }, "On a page of its own"))), place);
}
