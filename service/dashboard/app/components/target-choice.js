// A dialog with the columns of a table and some of their values, to choose the target and the inputs before the upload.
import { el } from "../lib/dom.js";
import { columnsOf, hasHeader } from "../lib/table.js";

const MAX_COLUMNS = 500;
const SHOWN_VALUES = 4;
const MAX_CHARACTERS = 24;

/**
 * Asks for the target and the inputs. Resolves to the options `target`, `header` and, if some columns are left out,
 * `inputs` of an upload, or to null if the reader cancels. The header is an option too, so that the service reads the first
 * row as the dialog showed it.
 * @param {string} file the name of the table
 * @param {string[][]} rows its first rows
 * @returns {Promise<{target: string, header: string, inputs?: string} | null>}
 */
export function targetChoice(file, rows) {
  const headed = el("input", { type: "checkbox", checked: hasHeader(rows), onchange: show });
  const list = el("div", { class: "columns", role: "radiogroup", "aria-label": "Columns" });
  const more = rows[0].length - MAX_COLUMNS;
  const form = el("form", { method: "dialog" }, [
    el("h2", { id: "target-title" }, `Which column of ${file} is to be predicted?`),
    el("label", { class: "check" }, headed, "The first row holds the names of the columns"),
    el("p", { class: "muted" }, "Choose the target; clear the box of a column that is no input, such as a row number."),
    list,
    more > 0 ? el("p", { class: "muted" }, `and ${more} more: name one of them as the target column under “Name and options”.`) : null,
    el("div", { class: "actions" }, [
      el("button", { type: "button", onclick: () => dialog.close() }, "Do not send it"),
      el("button", { class: "primary", value: "send" }, "Send it"),
    ]),
  ]);
  const dialog = el("dialog", { class: "target-choice", "aria-labelledby": "target-title" }, form);
  show();

  function show() {
    const columns = columnsOf(rows, headed.checked);
    // An option names each input, so that a column without a usable name cannot be left out or in.
    const canChoose = columns.length <= MAX_COLUMNS && columns.every(({ name }) => name !== null && !/[,;:]/.test(name));
    list.replaceChildren(...columns.slice(0, MAX_COLUMNS).map((column) => choice(column, headed.checked, canChoose)));
  }

  /** The option for the inputs; none while every column but the target is one. */
  function inputsFor(target) {
    const boxes = [.../** @type {NodeListOf<HTMLInputElement>} */ (list.querySelectorAll("input[type=checkbox]"))].filter(({ value }) => value !== target);
    const chosen = boxes.filter(({ checked }) => checked).map(({ value }) => value);
    return chosen.length && chosen.length < boxes.length ? { inputs: `features:${chosen.join(",")}` } : {};
  }

  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const target = String(new FormData(form).get("column"));
      dialog.remove();
      resolve(dialog.returnValue === "send" ? { target, header: String(headed.checked), ...inputsFor(target) } : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A column to choose: its name and its first values. */
function choice({ name, text, values }, isHeaded, canChoose) {
  const radio = el("input", { type: "radio", name: "column", value: name, required: true, disabled: name === null });
  const shown = values.slice(0, SHOWN_VALUES).map((value) => (value.trim() ? shortened(value) : "(empty)"));
  const why = name === null ? "Another column has the same name, or no option can hold this name." : null;
  const label = isHeaded ? shortened(text) : `Column ${text}`;
  const box = canChoose ? el("input", { type: "checkbox", value: name, checked: true, "aria-label": `${label} is an input` }) : null;
  return el("div", { class: "column" }, [
    el("label", { title: why }, [radio, el("span", { class: "name" }, label), el("span", { class: "muted mono" }, shown.join(", "))]),
    box,
  ]);
}

const shortened = (text) => (text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 1)}…` : text);
