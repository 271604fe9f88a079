// A network from top to bottom: each layer with the shape it makes and the parameters that it holds.
import { el } from "../lib/dom.js";
import { connections } from "../lib/connections.js";
import { count } from "../lib/format.js";

// With more of them beside the layers nobody could follow one; the names tell then.
const MOST_LANES = 10;

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

/** The layers of a `SpecSummary` or `NetworkSummary`; of a nearest-neighbour model, what it is. */
export function layerDiagram(network) {
  if (!network.layers) return el("p", { class: "muted" }, "A nearest-neighbour classifier has no layers: it keeps the samples that it was taught.");
  const { follows, lanes, width } = connections([
    ...network.inputs.map(({ name }) => ({ reads: [], makes: [name] })),
    ...network.layers.map((layer) => ({ reads: layer.inputs, makes: layer.outputs })),
    ...network.outputs.map(({ name }) => ({ reads: [name], makes: [] })),
  ]);
  const most = Math.max(1, ...network.layers.map((layer) => layer.parameter_count));
  const blocks = [
    ...network.inputs.map((feature) => end(feature, "input")),
    ...network.layers.map((layer) => block(layer, most, width > 0)),
    ...network.outputs.map((feature) => end(feature, "output")),
  ];
  blocks.forEach((made, row) => {
    if (follows.has(row)) made.classList.add("follows");
    if (width <= MOST_LANES) made.append(...lanes.flatMap((lane) => rails(lane, row)));
  });
  const list = el("ol", { class: "layers" }, blocks);
  list.style.setProperty("--lanes", width <= MOST_LANES ? width : 0);
  return list;
}

function end({ name, shape }, text) {
  return el("li", { class: "end" }, [
    el("span", { class: "name" }, name),
    el("span", { class: "muted" }, text),
    el("span", { class: "shape mono" }, shape ? shape.join(" × ") : ""),
  ]);
}

function block(layer, most, named) {
  const held = Object.entries(layer.weight_shapes).map(([name, shape]) => `${name} ${shape.join(" × ")}`);
  const told = [named ? `from ${layer.inputs.join(", ")}` : null, ...held].filter(Boolean).join(" · ");
  const share = el("span", { class: "share", "aria-hidden": "true" });
  share.style.setProperty("--share", `${(100 * layer.parameter_count) / most}%`);
  return el("li", { class: `layer ${family(layer.type)}` }, [
    el("span", { class: "name" }, layer.name),
    el("span", { class: "type" }, layer.type.replaceAll("_", " "), layer.updatable ? el("span", { class: "badge" }, "trained") : null),
    el("span", { class: "shape mono" }, layer.output_shapes.map((shape) => shape.join(" × ")).join("; ")),
    el("span", { class: "weights muted mono" }, told),
    el("span", { class: "count" }, layer.parameter_count ? [share, count(layer.parameter_count)] : null),
  ]);
}

/** The pieces of a lane that lie beside a block: whence it comes, through, or whither it goes; it may be two of them. */
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
  const found = Object.keys(FAMILIES).find((word) => type.includes(word));
  return found ? FAMILIES[found] : "plain";
}
