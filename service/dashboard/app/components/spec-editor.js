// A text area for a model's spec, with a gutter that marks invalid lines while the reader types.
import { ApiError, request } from "../lib/api.js";
import { el } from "../lib/dom.js";

const PAUSE = 350;

/**
 * `<spec-editor>`: `text` is its content. It dispatches `described` with the model's summary as detail if the text is
 * valid, and with null if not.
 */
class SpecEditor extends HTMLElement {
  connectedCallback() {
    if (this.area) return;
    this.area = el("textarea", { rows: 22, spellcheck: "false", autocapitalize: "off", wrap: "off", "aria-label": "Spec, JSON or YAML", "aria-describedby": "spec-faults" });
    this.gutter = el("ol", { class: "gutter", "aria-hidden": "true" });
    this.faults = el("ul", { class: "faults", id: "spec-faults", "aria-live": "polite" });
    this.append(el("div", { class: "editor" }, this.gutter, this.area), this.faults);
    this.area.addEventListener("input", () => this.changed());
    this.area.addEventListener("scroll", () => (this.gutter.scrollTop = this.area.scrollTop));
    this.number(new Map());
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    this.asked += 1;
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.changed();
  }

  get isJson() {
    return this.text.trimStart().startsWith("{");
  }

  changed() {
    this.number(this.marked ?? new Map());
    clearTimeout(this.timer);
    this.asked = (this.asked ?? 0) + 1;
    this.timer = setTimeout(() => this.check(this.asked), PAUSE);
  }

  async check(number) {
    if (!this.text.trim()) return this.show(null, []);
    const headers = { "content-type": this.isJson ? "application/json" : "application/yaml" };
    try {
      const answer = await request("specs/validate", { method: "POST", body: this.text, headers });
      const model = await answer.json();
      if (number === this.asked) this.show(model, model.findings.map((finding) => ({ ...finding, mild: true })));
    } catch (error) {
      if (number !== this.asked || !(error instanceof ApiError)) return null;
      this.show(null, error.faults.length ? error.faults : [{ detail: error.message, line: Number(/line (\d+)/.exec(error.message)?.[1] ?? 1) }]);
    }
    return null;
  }

  show(model, faults) {
    this.marked = new Map();
    const rows = faults.map((fault) => {
      const line = fault.line ?? 1;
      if (this.marked.get(line) !== "fault") this.marked.set(line, fault.mild ? "mild" : "fault");
      const go = el("button", { type: "button", class: "plain", onclick: () => this.go(line) }, `Line ${line}`);
      return { line, row: el("li", { class: fault.mild ? "mild" : null }, go, fault.pointer ? el("code", {}, fault.pointer) : null, " ", fault.detail) };
    });
    rows.sort((one, other) => one.line - other.line);
    this.faults.replaceChildren(...rows.map(({ row }) => row));
    this.area.setAttribute("aria-invalid", String(faults.some((fault) => !fault.mild)));
    this.number(this.marked);
    this.dispatchEvent(new CustomEvent("described", { detail: model }));
  }

  number(marked) {
    const lines = this.text.split("\n").length;
    this.gutter.replaceChildren(...Array.from({ length: lines }, (_, n) => el("li", { class: marked.get(n + 1) ?? null }, String(n + 1))));
    this.gutter.scrollTop = this.area.scrollTop;
  }

  go(line) {
    const lines = this.text.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    this.area.focus();
    this.area.setSelectionRange(start, start + lines[line - 1].length);
    this.area.scrollTop = Math.max(0, (line - 4) * (this.area.scrollHeight / lines.length));
  }
}

customElements.define("spec-editor", SpecEditor);
