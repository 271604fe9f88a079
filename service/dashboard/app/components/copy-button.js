// A button that copies a text.
import { el } from "../lib/dom.js";

/** A button that copies the result of `text()`; `what` names the text for screen readers. */
export function copyButton(what, text) {
  const button = el("button", { type: "button", "aria-label": `Copy ${what}`, onclick: copy }, "Copy");
  let timer = null;

  async function copy() {
    clearTimeout(timer);
    try {
      await navigator.clipboard.writeText(text());
      show("Copied");
    } catch {
      // Browsers allow this only for pages from https or from this machine.
      show("Select and copy it by hand");
    }
    timer = setTimeout(() => show("Copy"), 2000);
  }

  function show(word) {
    button.textContent = word;
    button.setAttribute("aria-label", word === "Copy" ? `Copy ${what}` : word);
  }

  return button;
}
