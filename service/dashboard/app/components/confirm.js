// A dialog that asks before an action that cannot be undone.
import { el } from "../lib/dom.js";

/** Shows the dialog; resolves to true if the reader confirms. Escape does not confirm. */
export function confirmed({ title, text, yes }) {
  return new Promise((resolve) => {
    const keep = el("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Keep it");
    const go = el("button", { type: "button", class: "danger", onclick: () => dialog.close("yes") }, yes);
    const dialog = el("dialog", { class: "confirm", "aria-labelledby": "confirm-title" }, [
      el("h2", { id: "confirm-title" }, title),
      el("p", {}, text),
      el("div", { class: "actions" }, keep, go),
    ]);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
