// Asks for a token when the service does not know who somebody is, and exchanges it for a session's cookie.
import { el, problemBox } from "../lib/dom.js";
import { request } from "../lib/api.js";

let open = null;

/** Has the dialog appear whenever an answer is 401. */
export function asksForTokens() {
  addEventListener("unauthorized", () => {
    open ??= ask();
  });
}

function ask() {
  const token = el("input", { type: "password", name: "token", required: true, autocomplete: "current-password", spellcheck: "false" });
  const told = el("div", { "aria-live": "polite" });
  const dialog = el("dialog", { "aria-labelledby": "sign-in", class: "sign-in" }, [
    el("form", { onsubmit: enter }, [
      el("h2", { id: "sign-in" }, "Sign in"),
      el("p", { class: "muted" }, "This service wants to know who asks. ", el("code", {}, "pippin tokens create"), " makes a token."),
      el("label", {}, "Token", token),
      told,
      el("div", { class: "actions" }, el("button", { class: "primary" }, "Sign in")),
    ]),
  ]);

  async function enter(event) {
    event.preventDefault();
    try {
      // The dialog is open already, so a 401 of this very request opens no other.
      await request("session", { method: "POST", headers: { authorization: `Bearer ${token.value.trim()}` } });
      location.reload();
    } catch (error) {
      told.replaceChildren(problemBox(error));
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
