// The form for a new job. `#/new?from=JOB` starts with the request of another job.
import { get, post } from "../lib/api.js";
import { el } from "../lib/dom.js";
import { draftOf } from "../lib/draft.js";
import { clearFaults, showFaults } from "../lib/fields.js";
import { visitPage } from "../lib/router.js";
import { stylesheet } from "../lib/stylesheet.js";
import { datasetPart } from "./new-job/dataset-part.js";
import { modelPart } from "./new-job/model-part.js";
import { parametersPart } from "./new-job/parameters-part.js";
import { settingsPart } from "./new-job/settings-part.js";

export const title = "New job";

export async function show(main, _, query) {
  const [initial] = await Promise.all([initialValues(query), stylesheet(new URL("./new-job.css", import.meta.url))]);
  const parameters = parametersPart(initial.hyperparameters ?? {});
  const settings = settingsPart(initial);
  const [model, dataset] = await Promise.all([modelPart(initial.model ?? {}, parameters.show), datasetPart(initial.dataset ?? {})]);
  const go = el("button", { class: "primary" }, "Train");
  const messages = el("div", { class: "told" });
  const draft = draftOf(location.hash);
  const form = el("form", { class: "new-job", novalidate: true, onsubmit: submit, oninput: keep, onchange: keep }, [
    model.element,
    dataset.element,
    parameters.element,
    settings.element,
    messages,
    el("div", { class: "submit" }, go, el("span", { class: "muted" }, "You can follow, pause and cancel the job.")),
  ]);

  async function submit(event) {
    event.preventDefault();
    clearFaults(form);
    messages.replaceChildren();
    go.disabled = true;
    try {
      const body = { ...settings.value(), dataset: dataset.value(), hyperparameters: parameters.value(), model: await model.source() };
      const job = await post("jobs", body);
      draft.clear();
      visitPage(`/jobs/${job.id}`);
    } catch (error) {
      const box = showFaults(form, error);
      if (box) messages.replaceChildren(box);
    }
    go.disabled = false;
  }

  /** Keeps what the form holds, for when the reader comes back to this address. */
  function keep() {
    draft.keep(() => ({ ...settings.value(), dataset: dataset.value(), hyperparameters: parameters.value(), model: model.entered() }));
  }

  const from = query.get("from");
  main.append(
    el("div", { class: "head" }, el("h1", {}, "New job"), from ? el("p", { class: "muted from" }, "With the request of ", el("a", { href: `#/jobs/${from}` }, initial.called), ".") : null),
    form,
  );
  await model.begin();
}

/** The initial values of the form: the resolved request of a job, or the values in the address. */
async function initialValues(query) {
  const { kept } = draftOf(location.hash);
  if (kept) return kept;
  const from = query.get("from");
  if (!from) {
    const model = { preset: query.get("preset"), id: query.get("model"), job: query.get("job") };
    return { model, dataset: { id: query.get("dataset") } };
  }
  const { request, name, id } = await get(`jobs/${encodeURIComponent(from)}`);
  const factor = Number(query.get("rate"));
  const { learning_rate: rate } = request.hyperparameters;
  // Not 0.1 × 0.007 = 0.0007000000000000001.
  if (factor > 0 && rate) request.hyperparameters.learning_rate = Number((factor * rate).toPrecision(12));
  return { ...request, called: name ?? id };
}
