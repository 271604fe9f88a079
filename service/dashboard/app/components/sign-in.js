// Asks for a token after an answer 401, and exchanges it for the cookie of a session.
import { el, problemBox } from "../lib/dom.js";
import { request } from "../lib/api.js";

let open = null;

/** Shows the dialog after each answer 401. */
export function askForTokens() {
  addEventListener("unauthorized", () => {
    open ??= ask();
  });
}

function ask() {
  const token = el("input", { type: "password", name: "token", required: true, autocomplete: "current-password", spellcheck: "false" });
  const messages = el("div", { "aria-live": "polite" });
  const dialog = el("dialog", { "aria-labelledby": "sign-in", class: "sign-in" }, [
    el("form", { onsubmit: enter }, [
      el("h2", { id: "sign-in" }, "Sign in"),
      el("p", { class: "muted" }, "This service requires a token. ", el("code", {}, "pippin tokens create"), " creates one."),
      el("label", {}, "Token", token),
      messages,
      el("div", { class: "actions" }, el("button", { class: "primary" }, "Sign in")),
    ]),
  ]);

  async function enter(event) {
    event.preventDefault();
    try {
      // The dialog is already open, so a 401 of this request opens no second one.
      await request("session", { method: "POST", headers: { authorization: `Bearer ${token.value.trim()}` } });
      location.reload();
    } catch (error) {
      messages.replaceChildren(problemBox(error));
      token.select();
    }
  }

  dialog.addEventListener("close", () => {
    dialog.remove();
    open = null;
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
