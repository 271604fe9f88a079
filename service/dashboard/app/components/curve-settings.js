// The settings of charts: a logarithmic axis, smoothing. They are kept in the address.
import { el } from "../lib/dom.js";
import { keepInAddress } from "../lib/router.js";

/**
 * Fields that call `changed` after each change of their values `log` and `smoothing`, which begin as the address says
 * (`query`); `more` elements are placed beside them.
 */
export function curveSettings(query, changed, more = []) {
  const start = Math.min(0.95, Math.max(0, Number(query.get("smoothing")) || 0));
  const log = el("input", { type: "checkbox", checked: query.has("log"), onchange: toggle });
  const smoothing = el("input", { type: "range", min: 0, max: 0.95, step: 0.05, value: start, oninput: slide });
  const value = el("output", { class: "muted" }, start || "off");

  function toggle() {
    keepInAddress("log", log.checked ? "1" : null);
    changed();
  }

  function slide() {
    const chosen = Number(smoothing.value);
    value.textContent = chosen || "off";
    keepInAddress("smoothing", chosen || null);
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
