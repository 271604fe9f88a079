// Shows the version of the service, and shows it again after an upgrade.
import { get, onConnection } from "../lib/api.js";

class ServiceVersion extends HTMLElement {
  connectedCallback() {
    let reachable = true;
    this.stop = onConnection((isReachable) => {
      if (isReachable && !reachable) this.show();
      reachable = isReachable;
    });
    this.show();
  }

  disconnectedCallback() {
    this.stop();
  }

  async show() {
    // Without an answer the last version stays; `connection-state` reports the lost connection.
    const { version } = await get("healthz").catch(() => ({}));
    if (version) this.textContent = `Pippin ${version}`;
  }
}

customElements.define("service-version", ServiceVersion);
