// A zone to drop files on, or to choose them, which shows the progress of the upload.
import { el, problemBox } from "../lib/dom.js";
import { percent } from "../lib/format.js";

/**
 * @param {{label: string, hint: string, accept?: string, multiple?: boolean, send: (files: File[], onProgress: (share: number) => void) => Promise<void>}} options
 */
export function dropZone({ label, hint, accept, multiple = false, send }) {
  const input = el("input", { type: "file", accept, multiple, class: "unseen", onchange: () => take([...input.files]) });
  const bar = el("progress", { max: 1, value: 0, "aria-label": "Sent", hidden: true });
  const messages = el("div", { class: "told", "aria-live": "polite" });
  const zone = el("div", { class: "drop" }, [
    el("label", { class: "button" }, input, label),
    el("span", { class: "muted" }, hint),
    bar,
    messages,
  ]);

  async function take(files) {
    if (!files.length || !bar.hidden) return;
    bar.hidden = false;
    bar.value = 0;
    messages.replaceChildren(`Reading ${files.map((file) => file.name).join(", ")} …`);
    try {
      await send(files, (share) => {
        bar.value = share;
        messages.replaceChildren(share < 1 ? `Sent ${percent(share)}` : "Reading it …");
      });
      messages.replaceChildren();
    } catch (error) {
      messages.replaceChildren(problemBox(error));
    }
    bar.hidden = true;
    input.value = "";
  }

  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take([...event.dataTransfer.files].slice(0, multiple ? undefined : 1));
  });
  return zone;
}
