// A network from top to bottom: each layer with the shape it makes and the parameters that it holds.
import { el } from "../lib/dom.js";
import { count } from "../lib/format.js";

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
  const most = Math.max(1, ...network.layers.map((layer) => layer.parameter_count));
  const plain = isChain(network.layers);
  const ends = (features, text) => features.map(({ name, shape }) => el("li", { class: "end" }, el("span", { class: "name" }, name), el("span", { class: "muted" }, text), el("span", { class: "shape mono" }, shape ? shape.join(" × ") : "")));
  return el("ol", { class: "layers" }, [
    ends(network.inputs, "input"),
    network.layers.map((layer) => block(layer, most, plain)),
    ends(network.outputs, "output"),
  ]);
}

function block(layer, most, plain) {
  const weights = Object.entries(layer.weight_shapes).map(([name, shape]) => `${name} ${shape.join(" × ")}`);
  const share = el("span", { class: "share", "aria-hidden": "true" });
  share.style.setProperty("--share", `${(100 * layer.parameter_count) / most}%`);
  return el("li", { class: `layer ${family(layer.type)}` }, [
    el("span", { class: "name" }, layer.name),
    el("span", { class: "type" }, layer.type.replaceAll("_", " "), layer.updatable ? el("span", { class: "badge" }, "trained") : null),
    el("span", { class: "shape mono" }, layer.output_shapes.map((shape) => shape.join(" × ")).join("; ")),
    el("span", { class: "weights muted mono" }, plain ? null : `from ${layer.inputs.join(", ")} `, weights.join(" · ")),
    el("span", { class: "count" }, layer.parameter_count ? [share, count(layer.parameter_count)] : null),
  ]);
}

function family(type) {
  const found = Object.keys(FAMILIES).find((word) => type.includes(word));
  return found ? FAMILIES[found] : "plain";
}

/** Whether each layer reads just what the one before made, so that arrows need no names. */
function isChain(layers) {
  return layers.every((layer, n) => layer.inputs.length === 1 && (n === 0 || layers[n - 1].outputs[0] === layer.inputs[0]));
}
