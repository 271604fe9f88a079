// Where a dataset is dropped, with what may have to be said about it.
import { el } from "../lib/dom.js";
import { field } from "../lib/fields.js";
import { upload } from "../lib/upload.js";
import { dropZone } from "./drop-zone.js";

const OPTIONS = [
  ["target", "Target column", "of a table; the first, or `label`, if empty"],
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
    added(await upload(`datasets?${query}`, files, onProgress));
  }

  return el("div", { class: "dataset-drop" }, [
    dropZone({ label: "Choose files", hint: "or drop them here: NPZ, CSV, MNIST's IDX files, or a ZIP of class folders with pictures", multiple: true, send }),
    el("details", {}, [
      el("summary", {}, "Name and options"),
      el("div", { class: "fields" }, field(null, "Name", name), fields.map(([, input, label, hint]) => field(null, label, input, hint))),
    ]),
  ]);
}
