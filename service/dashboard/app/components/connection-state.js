// Shows that the service cannot be reached, and retries until it answers.
import { onConnection, request } from "../lib/api.js";

class ConnectionState extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
    this.stop = onConnection((reachable) => this.show(reachable));
  }

  disconnectedCallback() {
    this.stop();
    clearTimeout(this.timer);
  }

  show(reachable) {
    this.classList.toggle("away", !reachable);
    this.textContent = reachable ? "" : "Connection lost – trying again";
    clearTimeout(this.timer);
    if (!reachable) this.timer = setTimeout(() => request("healthz").catch(() => {}), 2000);
  }
}

customElements.define("connection-state", ConnectionState);
