// Fields of a form that stand for places in a request: a fault of the answer is shown at its field.
import { el, problemBox } from "./dom.js";

let made = 0;

/** A labelled field for the place `pointer` of the request, null if it has none. `hint` is what may be entered. */
export function field(pointer, label, input, hint = null) {
  const id = `field-${++made}`;
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

/** Shows each fault at its field, the innermost that it lies in; a box tells the rest. Answers with that box, or null. */
export function showFaults(form, error) {
  clearFaults(form);
  const fields = [...form.querySelectorAll("[data-pointer]")].sort((one, other) => other.dataset.pointer.length - one.dataset.pointer.length);
  const rest = [];
  let first = null;
  for (const fault of error.faults ?? []) {
    const pointer = fault.pointer ?? "";
    const found = fields.find(({ dataset }) => pointer === dataset.pointer || pointer.startsWith(`${dataset.pointer}/`));
    const place = found?.querySelector(".fault");
    if (!place || place.closest("[hidden]")) rest.push(fault);
    else {
      place.textContent = [place.textContent, fault.detail].filter(Boolean).join(" ");
      const input = found.querySelector("input, select, textarea");
      input?.setAttribute("aria-invalid", "true");
      found.closest("details")?.setAttribute("open", "");
      first ??= input;
    }
  }
  first?.focus();
  const some = rest.length || !(error.faults ?? []).length;
  return some ? problemBox(Object.assign(Object.create(error), { message: error.message, title: error.title, faults: rest })) : null;
}
