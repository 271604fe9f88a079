// A model: inputs, outputs, layers, hyperparameters, and its graph in Netron.
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
  const messages = el("div", {});

  async function confirmDelete() {
    if (!(await confirmed({ title: `Delete ${name}?`, text: "Jobs that were submitted with it keep what they need.", yes: "Delete it" }))) return;
    try {
      await remove(path);
      visitPage("/models");
    } catch (error) {
      messages.replaceChildren(problemBox(error));
    }
  }

  main.append(
    el("div", { class: "head" }, [
      el("h1", {}, name),
      el("div", { class: "actions" }, [
        el("a", { class: "button primary", href: start }, "Train it"),
        el("a", { class: "button", href: `${path}/file`, download: true }, "Download"),
        record.uploaded ? el("button", { type: "button", class: "danger", onclick: confirmDelete }, "Delete") : null,
      ]),
    ]),
    messages,
    el("div", { class: "grid" }, facts(record, trained), choices(trained)),
    findings(record.findings),
    el("section", { class: "card" }, el("h2", {}, "Layers"), networks(model).map(([called, network]) => [called ? el("h3", {}, called) : null, layerDiagram(network)])),
    graph(`${path}/file`, name),
  );
}

async function ofPreset(name) {
  const matching = (await presets()).find((preset) => preset.name === name);
  if (!matching) throw Object.assign(new Error("The page Models lists the presets."), { title: `There is no preset ${name}` });
  return { ...matching, path: `presets/${encodeURIComponent(name)}`, start: `#/new?preset=${encodeURIComponent(name)}`, findings: matching.model.findings, uploaded: false };
}

async function ofUpload(id) {
  const path = `models/${encodeURIComponent(id)}`;
  const record = await get(path);
  return { ...record, name: record.name ?? record.id, path, start: `#/new?model=${encodeURIComponent(record.id)}`, uploaded: true };
}

function facts(record, trained) {
  const { model } = record;
  const featureText = ({ name, shape, type, color }) => `${name}: ${shape ? `${shape.join(" × ")} ` : ""}${color ?? type}`;
  const pairs = [
    ["Kind", model.kind.replaceAll("_", " ")],
    ["Inputs", model.inputs.map(featureText).join("; ")],
    ["Outputs", model.outputs.map(featureText).join("; ")],
    ["Trained with", model.training_inputs.map(featureText).join("; ")],
    ["Loss", trained.loss?.replaceAll("_", " ")],
    ["Optimizer", trained.optimizer],
    ["Parameters", trained.parameter_count === undefined ? null : count(trained.parameter_count)],
    ["Neighbours", trained.neighbors ? `${count(trained.neighbors.samples)} samples of ${trained.neighbors.dimensions} numbers, ${trained.neighbors.index.replace("_", "-")} index` : null],
    ["Labels", trained.labels ? trained.labels.slice(0, 20).join(", ") : null],
    ["File", record.uploaded ? `${bytes(record.bytes)}, from ${record.source}, ${ago(record.created_at)}` : null],
    ["Digest", record.digest ? el("span", { class: "mono" }, record.digest) : null],
  ].filter(([, value]) => value);
  return el("section", { class: "card" }, el("h2", {}, "Details"), el("dl", { class: "facts" }, pairs.map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])));
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
  return el("section", { class: "card" }, el("h2", {}, "Hyperparameters"), scrollRegion("Hyperparameters", el("table", {}, head, el("tbody", {}, declared.map(row)))));
}

function findings(list) {
  if (!list.length) return el("p", { class: "muted" }, "No problems with this model in Core ML are known.");
  return el("section", { class: "card" }, el("h2", {}, "Possible problems"), el("ul", { class: "findings" }, list.map(({ pointer, detail }) => el("li", {}, el("code", {}, pointer), " ", detail))));
}

function networks(model) {
  if (model.kind === "pipeline") return [...model.front.map((network, n) => [`Frozen network ${n + 1}`, network]), ["Trained", model.last]];
  return [["", model]];
}

/** Netron, loaded on request: it is a megabyte. */
function graph(file, name) {
  const query = new URLSearchParams({ url: `../${file}`, identifier: `${name.replace(/\.mlmodel$/i, "")}.mlmodel` });
  const address = `netron/?${query}`;
  const place = el("div", { class: "graph" });
  const open = el("button", { type: "button", onclick: () => place.replaceChildren(el("iframe", { src: address, title: `Graph of ${name} in Netron` })) }, "Show the graph");
  place.append(open, el("span", { class: "muted" }, "Every layer with its attributes and weights."));
  return el("section", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Graph in Netron"), el("div", { class: "actions" }, el("a", { href: address }, "On a separate page"))), place);
}
