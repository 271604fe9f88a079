// The list of datasets.
import { datasetDrop } from "../components/dataset-drop.js";
import { scrollRegion } from "../components/scroll-region.js";
import { el, emptyState } from "../lib/dom.js";
import { ago, bytes, count } from "../lib/format.js";
import { everything } from "../lib/paging.js";
import { visitPage } from "../lib/router.js";

export const title = "Datasets";

export async function show(main) {
  const manifests = await everything("datasets");
  const head = ["Name", "Format", "Features", "Examples", "Size", "Since"];
  const heads = head.map((text) => el("th", { scope: "col", class: ["Examples", "Size"].includes(text) ? "number" : null }, text));
  main.append(
    el("div", { class: "head" }, el("h1", {}, "Datasets")),
    datasetDrop((manifest) => visitPage(`/datasets/${manifest.id}`)),
    manifests.length
      ? el("section", { class: "card" }, scrollRegion("Datasets", el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, manifests.map(row)))))
      : emptyState("There is no dataset yet", el("p", {}, "Drop one above: a CSV table, NumPy's NPZ, MNIST's files, or a ZIP of class folders with pictures.")),
  );
}

function row({ id, name, format, features, splits, bytes: size, created_at }) {
  return el("tr", {}, [
    el("td", {}, el("a", { href: `#/datasets/${id}` }, name ?? id)),
    el("td", {}, format),
    el("td", { class: "mono shapes" }, features.map((feature) => `${feature.name} ${feature.shape.join(" × ")}`).join(", ")),
    el("td", { class: "number" }, splits.map((split) => `${split.name} ${count(split.examples)}`).join(", ")),
    el("td", { class: "number" }, bytes(size)),
    el("td", {}, ago(created_at)),
  ]);
}
