// Try it: predictions of a trained model, and its mistakes.
import { get } from "../lib/api.js";
import { el, emptyState } from "../lib/dom.js";
import { modelOf, pictureInput } from "../lib/models.js";
import { stylesheet } from "../lib/stylesheet.js";
import { askingForm } from "./try/form.js";
import { drawing } from "./try/drawing.js";
import { measuring } from "./try/measuring.js";

export const title = "Try it";

export async function show(main, { id }) {
  const [job] = await Promise.all([get(`jobs/${encodeURIComponent(id)}`), stylesheet(new URL("./try.css", import.meta.url))]);
  const name = job.name ?? job.id;
  main.append(
    el("div", { class: "head" }, el("h1", {}, `Try ${name}`), el("div", { class: "actions" }, el("a", { class: "button", href: `#/jobs/${id}` }, "The job"))),
  );
  if (!job.artifacts.some((artifact) => artifact.variant === "trained")) {
    main.append(emptyState("There is no trained model yet", el("p", {}, `The job is ${job.status}. Its model can be tried when it has succeeded.`)));
    return;
  }
  // The dataset or an uploaded model may have been deleted; the page then shows the rest.
  const [dataset, model] = await Promise.all([orNull(get(`datasets/${job.request.dataset.id}`)), orNull(modelOf(job.request.model))]);
  const picture = model && pictureInput(model);
  const asking = picture ? drawing(job, picture) : askingForm(job, model, dataset);
  main.append(asking.element);
  if (dataset) main.append(measuring(job, dataset, asking.take));
  else main.append(el("p", { class: "muted" }, "The job's dataset was deleted, so the model cannot be measured."));
}

function orNull(promise) {
  return promise.catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
}
