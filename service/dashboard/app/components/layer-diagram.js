// A network from top to bottom: each layer with its output shape and its parameters.
import { el } from "../lib/dom.js";
import { connections } from "../lib/connections.js";
import { count } from "../lib/format.js";

// More lanes than this are unreadable; the names of the blobs show the connections then.
const MAX_LANES = 10;

const FAMILIES = {
  convolution: "weights",
  deconvolution: "weights",
  inner_product: "weights",
  embedding: "weights",
  lstm: "weights",
  gru: "weights",
  recurrent: "weights",
  pooling: "shape",
  flatten: "shape",
  reshape: "shape",
  permute: "shape",
  padding: "shape",
  upsample: "shape",
  crop: "shape",
  softmax: "answer",
};

/** The layers of a `SpecSummary` or `NetworkSummary`; for a nearest-neighbour model, a sentence. */
export function layerDiagram(network) {
  if (!network.layers) return el("p", { class: "muted" }, "A nearest-neighbour classifier has no layers: it stores its training samples.");
  const { follows, lanes, width } = connections([
    ...network.inputs.map(({ name }) => ({ reads: [], makes: [name] })),
    ...network.layers.map((layer) => ({ reads: layer.inputs, makes: layer.outputs })),
    ...network.outputs.map(({ name }) => ({ reads: [name], makes: [] })),
  ]);
  const maxParameters = Math.max(1, ...network.layers.map((layer) => layer.parameter_count));
  const blocks = [
    ...network.inputs.map((feature) => end(feature, "input")),
    ...network.layers.map((layer) => block(layer, maxParameters, width > 0)),
    ...network.outputs.map((feature) => end(feature, "output")),
  ];
  blocks.forEach((element, row) => {
    if (follows.has(row)) element.classList.add("follows");
    if (width <= MAX_LANES) element.append(...lanes.flatMap((lane) => rails(lane, row)));
  });
  const list = el("ol", { class: "layers" }, blocks);
  list.style.setProperty("--lanes", width <= MAX_LANES ? width : 0);
  return list;
}

function end({ name, shape }, text) {
  return el("li", { class: "end" }, [
    el("span", { class: "name" }, name),
    el("span", { class: "muted" }, text),
    el("span", { class: "shape mono" }, shape ? shape.join(" × ") : ""),
  ]);
}

function block(layer, maxParameters, named) {
  const held = Object.entries(layer.weight_shapes).map(([name, shape]) => `${name} ${shape.join(" × ")}`);
  const details = [named ? `from ${layer.inputs.join(", ")}` : null, ...held].filter(Boolean).join(" · ");
  const share = el("span", { class: "share", "aria-hidden": "true" });
  share.style.setProperty("--share", `${(100 * layer.parameter_count) / maxParameters}%`);
  return el("li", { class: `layer ${family(layer.type)}` }, [
    el("span", { class: "name" }, layer.name),
    el("span", { class: "type" }, layer.type.replaceAll("_", " "), layer.updatable ? el("span", { class: "badge" }, "trained") : null),
    el("span", { class: "shape mono" }, layer.output_shapes.map((shape) => shape.join(" × ")).join("; ")),
    el("span", { class: "weights muted mono" }, details),
    el("span", { class: "count" }, layer.parameter_count ? [share, count(layer.parameter_count)] : null),
  ]);
}

/** The pieces of a lane beside a block: where it starts, passes or ends; up to two pieces. */
function rails({ rows, place }, row) {
  const [first, last] = [rows[0], rows.at(-1)];
  if (row < first || row > last) return [];
  const kinds = [row > first && "above", row < last && "below", rows.includes(row) && (row === first ? "out" : "in")];
  return kinds.filter(Boolean).map((kind) => {
    const rail = el("span", { class: `rail ${kind}`, "aria-hidden": "true" });
    rail.style.setProperty("--lane", place);
    return rail;
  });
}

function family(type) {
  const matching = Object.keys(FAMILIES).find((word) => type.includes(word));
  return matching ? FAMILIES[matching] : "plain";
}
