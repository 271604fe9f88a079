// Where a dataset is dropped, with what may have to be said about it.
import { el } from "../lib/dom.js";
import { field } from "../lib/fields.js";
import { firstRows, hasClearTarget, isTable } from "../lib/table.js";
import { upload } from "../lib/upload.js";
import { dropZone } from "./drop-zone.js";
import { targetChoice } from "./target-choice.js";

const OPTIONS = [
  ["target", "Target column", "of a table; asked for if empty, where no column is called label, target, class or y"],
  ["inputs", "Inputs", "of a table, such as flat:size,rooms"],
  ["shape", "Shape", "of each input, such as 1,28,28"],
  ["scale", "Scale", "what pixels are multiplied by; 1/255 if empty"],
];

/** Calls `added(manifest)` for each dataset that was sent. */
export function datasetDrop(added) {
  const name = el("input", { name: "name", maxlength: 200, placeholder: "as the file is called" });
  const fields = OPTIONS.map(([key, label, hint]) => [key, el("input", { name: key, autocomplete: "off" }), label, hint]);

  async function send(files, onProgress) {
    const query = new URLSearchParams({ name: name.value.trim() || files[0].name.replace(/(\.(gz|zip|npz|csv|idx))+$/i, "") });
    for (const [key, input] of fields) if (input.value.trim()) query.set(key, input.value.trim());
    const manifest = await sent(query, files, onProgress);
    if (manifest) added(manifest);
  }

  /** The answer to an upload; null where the person has not chosen the target that it needs. */
  async function sent(query, files, onProgress) {
    const table = query.has("target") ? null : files.find(isTable);
    const rows = table ? await firstRows(table) : [];
    // With a single column there is nothing to choose; the service says what is wrong with it.
    if (!(rows[0]?.length > 1)) return upload(`datasets?${query}`, files, onProgress);
    if (hasClearTarget(rows)) {
      try {
        return await upload(`datasets?${query}`, files, onProgress);
      } catch (error) {
        // The service reads the whole table, and may find that the target or the header is not clear.
        if (!error.faults?.some(({ pointer }) => ["/target", "/header"].includes(pointer))) throw error;
      }
    }
    const chosen = await targetChoice(table.name, rows);
    if (!chosen) return null;
    return upload(`datasets?${new URLSearchParams([...query, ...Object.entries(chosen)])}`, files, onProgress);
  }

  return el("div", { class: "dataset-drop" }, [
    dropZone({ label: "Choose files", hint: "or drop them here: NPZ, CSV, MNIST's IDX files, or a ZIP of class folders with pictures", multiple: true, send }),
    el("details", {}, [
      el("summary", {}, "Name and options"),
      el("div", { class: "fields" }, field(null, "Name", name), fields.map(([, input, label, hint]) => field(null, label, input, hint))),
    ]),
  ]);
}
