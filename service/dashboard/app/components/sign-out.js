// Who is signed in, and a button to sign out. Without a token nothing is shown.
import { request } from "../lib/api.js";
import { el } from "../lib/dom.js";
import { session } from "../lib/session.js";

class SignOut extends HTMLElement {
  async connectedCallback() {
    const principal = await session().catch(() => null);
    if (!principal?.token) return;
    const text = `${principal.role}${principal.tenant === "default" ? "" : ` of ${principal.tenant}`}`;
    const leave = el("button", { type: "button", class: "plain", onclick: signOut }, "Sign out");
    this.replaceChildren(el("span", { class: "muted", title: `Signed in with ${principal.token}` }, text), leave);
  }
}

async function signOut() {
  await request("session", { method: "DELETE" }).catch(() => {});
  location.reload();
}

customElements.define("sign-out", SignOut);
