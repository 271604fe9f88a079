// The theme: light, dark, or that of the system; stored for the next visit.
import { el } from "../lib/dom.js";

const KEY = "pippin-theme";
const NEXT = { system: "light", light: "dark", dark: "system" };
const SIGN = { system: "◐", light: "☀", dark: "☾" };

class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    this.button = el("button", { type: "button", class: "plain", onclick: () => this.set(NEXT[this.theme]) });
    this.append(this.button);
    this.set(localStorage.getItem(KEY) ?? "system");
  }

  set(theme) {
    this.theme = theme in NEXT ? theme : "system";
    localStorage.setItem(KEY, this.theme);
    if (this.theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.theme;
    this.button.textContent = SIGN[this.theme];
    this.button.setAttribute("aria-label", `Colours: ${this.theme}. Change to ${NEXT[this.theme]}`);
    dispatchEvent(new CustomEvent("themechange"));
  }
}

customElements.define("theme-switch", ThemeSwitch);
