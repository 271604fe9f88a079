// A drop zone for the files of a dataset, with the options of an upload.
import { el } from "../lib/dom.js";
import { field } from "../lib/fields.js";
import { firstRows, hasClearTarget, isTable } from "../lib/table.js";
import { upload } from "../lib/upload.js";
import { dropZone } from "./drop-zone.js";
import { targetChoice } from "./target-choice.js";

const OPTIONS = [
  ["target", "Target column", "of a table; needed if no column is called label, target, class or y"],
  ["inputs", "Inputs", "of a table, such as flat:size,rooms"],
  ["shape", "Shape", "of each input, such as 1,28,28"],
  ["scale", "Scale", "factor for pixels; 1/255 if empty"],
];

/**
 * The element; calls `added(manifest)` for each uploaded dataset, and `blocked(reason)` when an upload begins and when it
 * fails: another dataset must not be trained on by mistake.
 * @param {(manifest: object) => void} added
 * @param {(reason: string) => void} [blocked]
 */
export function datasetDrop(added, blocked) {
  const name = el("input", { name: "name", maxlength: 200, placeholder: "name of the file" });
  const fields = OPTIONS.map(([key, label, hint]) => [key, el("input", { name: key, autocomplete: "off" }), label, hint]);

  async function send(files, onProgress) {
    const names = files.map((file) => file.name).join(", ");
    blocked?.(`${names} is being uploaded: wait until it is there.`);
    try {
      await sendFiles(files, onProgress);
    } catch (error) {
      blocked?.(`${names} could not be uploaded: upload it again, or choose a dataset.`);
      showAtOption(error);
      throw error;
    }
  }

  /** Opens the options if one of them is at fault, and goes there. */
  function showAtOption({ faults = [] }) {
    const faulty = fields.find(([key]) => faults.some(({ pointer, parameter }) => parameter === key || pointer === `/${key}`));
    if (!faulty) return;
    options.open = true;
    faulty[1].setAttribute("aria-invalid", "true");
    faulty[1].focus();
  }

  async function sendFiles(files, onProgress) {
    for (const [, input] of fields) input.removeAttribute("aria-invalid");
    const query = new URLSearchParams({ name: name.value.trim() || files[0].name.replace(/(\.(gz|zip|npz|csv|idx))+$/i, "") });
    for (const [key, input] of fields) if (input.value.trim()) query.set(key, input.value.trim());
    const manifest = await sent(query, files, onProgress);
    if (manifest) added(manifest);
    else blocked?.("The file was not sent: send it, or choose a dataset.");
  }

  const ask = el("input", { type: "checkbox" });

  /** The answer to an upload; null if the reader has closed the dialog that asks for the target. */
  async function sent(query, files, onProgress) {
    const table = query.has("target") ? null : files.find(isTable);
    const rows = table ? await firstRows(table) : [];
    // A single column leaves no choice; the service reports the error.
    if (!(rows[0]?.length > 1)) return upload(`datasets?${query}`, files, onProgress);
    if (!ask.checked && hasClearTarget(rows)) {
      try {
        return await upload(`datasets?${query}`, files, onProgress);
      } catch (error) {
        // The service reads the whole table, so it may find the target or the header ambiguous.
        if (!error.faults?.some(({ pointer }) => ["/target", "/header"].includes(pointer))) throw error;
      }
    }
    const chosen = await targetChoice(table.name, rows);
    if (!chosen) return null;
    return upload(`datasets?${new URLSearchParams([...query, ...Object.entries(chosen)])}`, files, onProgress);
  }

  const options = el("details", {}, [
    el("summary", {}, "Name and options"),
    el("div", { class: "fields" }, field(null, "Name", name), fields.map(([, input, label, hint]) => field(null, label, input, hint))),
    el("label", { class: "check" }, ask, "Choose the columns of a table before it is sent"),
  ]);
  return el("div", { class: "dataset-drop" }, [
    dropZone({ label: "Choose files", hint: "or drop them here: NPZ, CSV, MNIST's IDX files, or a ZIP of class folders with pictures", multiple: true, send }),
    options,
  ]);
}
