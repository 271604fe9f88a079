// The first examples of a split, in a row of pictures or a table.
import { get } from "../lib/api.js";
import { el, problemBox } from "../lib/dom.js";
import { scrollRegion } from "./scroll-region.js";
import { isPicture, shortened, thumbnail } from "./thumbnail.js";

/** An element that loads its content by itself. */
export function exampleStrip(dataset, split, limit = 16) {
  const place = el("div", { class: "examples", "aria-busy": "true" });
  // A list of datasets contains only the first class names.
  const whole = dataset.label_count > (dataset.labels?.length ?? 0) ? get(`datasets/${dataset.id}`) : dataset;
  Promise.all([whole, get(`datasets/${dataset.id}/preview?split=${encodeURIComponent(split)}&limit=${limit}`)])
    .then(([manifest, preview]) => place.replaceChildren(shown(manifest, preview)))
    .catch((error) => place.replaceChildren(problemBox(error)))
    .finally(() => place.removeAttribute("aria-busy"));
  return place;
}

function shown(dataset, { examples, truncated }) {
  // A truncated feature has only its first values, which are no complete picture.
  const picture = dataset.features.find((feature) => isPicture(feature) && !truncated.includes(feature.name));
  const others = dataset.features.filter((feature) => feature !== picture);
  const valueText = (example, feature) => {
    const value = example[feature.name];
    const label = feature === dataset.features.at(-1) ? dataset.labels?.[value] : null;
    return label ?? shortened(value);
  };
  if (picture) {
    const tile = (example) => {
      const text = others.map((feature) => valueText(example, feature)).join(", ");
      return el("li", {}, thumbnail(example[picture.name], picture, `Example: ${text}`), el("span", {}, text));
    };
    return el("ul", { class: "tiles" }, examples.map(tile));
  }
  const head = others.map((feature) => el("th", { scope: "col" }, feature.name));
  const row = (example) => el("tr", {}, others.map((feature) => el("td", { class: "mono" }, valueText(example, feature))));
  return scrollRegion("Examples", el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, examples.slice(0, 8).map(row))));
}
