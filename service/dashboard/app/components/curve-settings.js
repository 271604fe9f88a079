// The settings of charts: a logarithmic axis, smoothing.
import { el } from "../lib/dom.js";

/** Fields that call `changed` after each change of their values `log` and `smoothing`; `more` elements are placed beside them. */
export function curveSettings(changed, more = []) {
  const log = el("input", { type: "checkbox", onchange: changed });
  const smoothing = el("input", { type: "range", min: 0, max: 0.95, step: 0.05, value: 0, oninput: slide });
  const value = el("output", { class: "muted" }, "off");

  function slide() {
    value.textContent = Number(smoothing.value) ? smoothing.value : "off";
    changed();
  }

  const element = el("div", { class: "curve-settings" }, [
    el("label", { class: "check" }, log, "Logarithmic axis"),
    el("label", { class: "check" }, "Smoothing", smoothing, value),
    more,
  ]);
  return {
    element,
    get log() {
      return log.checked;
    },
    get smoothing() {
      return Number(smoothing.value);
    },
  };
}
