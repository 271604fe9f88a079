// Form fields for the parts of a request; a fault in the answer is shown at its field.
import { el, problemBox } from "./dom.js";

let fieldCount = 0;

/** A labelled field for the part of the request at `pointer` (or null). `hint` describes valid values. */
export function field(pointer, label, input, hint = null) {
  const id = `field-${++fieldCount}`;
  input.setAttribute("aria-describedby", `${id}-hint ${id}-fault`);
  return el("div", { class: "field", "data-pointer": pointer }, [
    el("label", {}, label, input),
    el("small", { id: `${id}-hint` }, hint),
    el("small", { class: "fault", id: `${id}-fault` }),
  ]);
}

/** A choice; options are values or [value, text]. */
export function choice(options, chosen) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, String(option)]));
  return el("select", {}, pairs.map(([value, text]) => el("option", { value, selected: String(value) === String(chosen) }, text)));
}

/** A field for a number; its value is null while it is empty. */
export const numberIn = (input) => (input.value.trim() === "" ? null : Number(input.value));

export function clearFaults(form) {
  for (const place of form.querySelectorAll(".fault")) place.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** Shows each fault at the innermost field that contains it. Returns a box with the other faults, or null. */
export function showFaults(form, error) {
  clearFaults(form);
  const fields = [...form.querySelectorAll("[data-pointer]")].sort((one, other) => other.dataset.pointer.length - one.dataset.pointer.length);
  const rest = [];
  let first = null;
  for (const fault of error.faults ?? []) {
    const pointer = fault.pointer ?? "";
    const matching = fields.find(({ dataset }) => pointer === dataset.pointer || pointer.startsWith(`${dataset.pointer}/`));
    const place = matching?.querySelector(".fault");
    if (!place || place.closest("[hidden]")) rest.push(fault);
    else {
      place.textContent = [place.textContent, fault.detail].filter(Boolean).join(" ");
      const input = matching.querySelector("input, select, textarea");
      input?.setAttribute("aria-invalid", "true");
      matching.closest("details")?.setAttribute("open", "");
      first ??= input;
    }
  }
  first?.focus();
  const some = rest.length || !(error.faults ?? []).length;
  return some ? problemBox(Object.assign(Object.create(error), { message: error.message, title: error.title, faults: rest })) : null;
}
