// Copying a text.
import { el } from "../lib/dom.js";

/** A button that copies what `text()` gives; `what` is said to those who cannot see where it stands. */
export function copyButton(what, text) {
  const button = el("button", { type: "button", "aria-label": `Copy ${what}`, onclick: copy }, "Copy");
  let timer = null;

  async function copy() {
    clearTimeout(timer);
    try {
      await navigator.clipboard.writeText(text());
      tell("Copied");
    } catch {
      // Browsers let only pages from https or this machine write there.
      tell("Select and copy it by hand");
    }
    timer = setTimeout(() => tell("Copy"), 2000);
  }

  function tell(word) {
    button.textContent = word;
    button.setAttribute("aria-label", word === "Copy" ? `Copy ${what}` : word);
  }

  return button;
}
