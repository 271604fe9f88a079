// New job: a model, a dataset, hyperparameters, go. `#/new?from=JOB` begins with what another job was asked for.
import { get, post } from "../lib/api.js";
import { el } from "../lib/dom.js";
import { clearFaults, showFaults } from "../lib/fields.js";
import { visitPage } from "../lib/router.js";
import { stylesheet } from "../lib/stylesheet.js";
import { datasetPart } from "./new-job/dataset-part.js";
import { modelPart } from "./new-job/model-part.js";
import { parametersPart } from "./new-job/parameters-part.js";
import { settingsPart } from "./new-job/settings-part.js";

export const title = "New job";

export async function show(main, _, query) {
  const [wish] = await Promise.all([wished(query), stylesheet(new URL("./new-job.css", import.meta.url))]);
  const parameters = parametersPart(wish.hyperparameters ?? {});
  const settings = settingsPart(wish);
  const [model, dataset] = await Promise.all([modelPart(wish.model ?? {}, parameters.show), datasetPart(wish.dataset ?? {})]);
  const go = el("button", { class: "primary" }, "Train");
  const told = el("div", { class: "told" });
  const form = el("form", { class: "new-job", novalidate: true, onsubmit: submit }, [
    model.element,
    dataset.element,
    parameters.element,
    settings.element,
    told,
    el("div", { class: "submit" }, go, el("span", { class: "muted" }, "You can follow it, pause it and stop it.")),
  ]);

  async function submit(event) {
    event.preventDefault();
    clearFaults(form);
    told.replaceChildren();
    go.disabled = true;
    try {
      const body = { ...settings.value(), dataset: dataset.value(), hyperparameters: parameters.value(), model: await model.source() };
      const job = await post("jobs", body);
      visitPage(`/jobs/${job.id}`);
    } catch (error) {
      const box = showFaults(form, error);
      if (box) told.replaceChildren(box);
    }
    go.disabled = false;
  }

  const from = query.get("from");
  main.append(
    el("div", { class: "head" }, el("h1", {}, "New job"), from ? el("p", { class: "muted from" }, "Begun with what ", el("a", { href: `#/jobs/${from}` }, wish.called), " was asked for.") : null),
    form,
  );
  await model.begin();
}

/** What the form begins with: a job's request, as it was resolved, or what the address names. */
async function wished(query) {
  const from = query.get("from");
  if (!from) {
    const model = { preset: query.get("preset"), id: query.get("model"), job: query.get("job") };
    return { model, dataset: { id: query.get("dataset") } };
  }
  const { request, name, id } = await get(`jobs/${encodeURIComponent(from)}`);
  return { ...request, called: name ?? id };
}
