// The style of a page, which is fetched when the page is first shown.
import { el } from "./dom.js";

const loaded = new Map();

/** Has the style at `url` count: `await stylesheet(new URL("./jobs.css", import.meta.url))`. */
export function stylesheet(url) {
  const address = String(url);
  if (!loaded.has(address)) {
    loaded.set(
      address,
      new Promise((resolve) => {
        // A page without its style is still better than none.
        document.head.append(el("link", { rel: "stylesheet", href: address, onload: resolve, onerror: resolve }));
      }),
    );
  }
  return loaded.get(address);
}
