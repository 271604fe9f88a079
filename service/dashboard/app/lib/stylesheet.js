// The stylesheet of a page, which is loaded when the page is first shown.
import { el } from "./dom.js";

const loaded = new Map();

/** Loads the stylesheet at `url`: `await stylesheet(new URL("./jobs.css", import.meta.url))`. */
export function stylesheet(url) {
  const address = String(url);
  if (!loaded.has(address)) {
    loaded.set(
      address,
      new Promise((resolve) => {
        // A page without its stylesheet is better than none.
        document.head.append(el("link", { rel: "stylesheet", href: address, onload: resolve, onerror: resolve }));
      }),
    );
  }
  return loaded.get(address);
}
