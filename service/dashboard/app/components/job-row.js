// A job as a row of the table of jobs.
import { el } from "../lib/dom.js";
import { ago, duration, elapsed, figure, modelName, moment, percent } from "../lib/format.js";
import { datasetName, workerName } from "../lib/job-list.js";
import { progressBar } from "./progress-bar.js";
import { statusBadge } from "./status-badge.js";

export const COLUMNS = [
  ["select", ""],
  ["job", "Job"],
  ["state", "State"],
  ["created", "Created"],
  ["model", "Model"],
  ["dataset", "Dataset"],
  ["engine", "Engine"],
  ["worker", "Worker"],
  ["progress", "Epochs"],
  ["loss", "Loss", "number"],
  ["accuracy", "Accuracy", "number"],
  ["duration", "Duration", "number"],
];

/** The name of a job, else its id. */
export const jobName = (job) => job.name ?? job.id;

/** A row; `selection` is `{has(id), set(id, chosen)}`. `fill` shows a job, `tick` updates the times. */
export function jobRow(selection) {
  const box = el("input", { type: "checkbox", onchange: () => selection.set(row.dataset.id, box.checked) });
  const link = el("a", {});
  const under = el("small", { class: "muted" });
  const cells = Object.fromEntries(COLUMNS.map(([name, , kind]) => [name, el("td", { class: kind })]));
  cells.select.append(box);
  cells.job.append(link, under);
  const row = el("tr", {}, Object.values(cells));
  let shown = null;

  function write(name, text) {
    if (cells[name].textContent === text) return;
    cells[name].textContent = text;
    cells[name].title = text;
  }

  function fill(job) {
    shown = job;
    link.href = `#/jobs/${job.id}`;
    link.textContent = jobName(job);
    link.title = `${jobName(job)}, ${job.id}`;
    box.setAttribute("aria-label", `Select ${jobName(job)}`);
    box.checked = selection.has(job.id);
    cells.state.replaceChildren(statusBadge(job.status));
    cells.state.title = job.reason?.detail ?? job.waiting_for ?? "";
    write("model", modelName(job));
    write("dataset", datasetName(job));
    write("engine", job.engine ?? "–");
    write("worker", workerName(job) ?? "–");
    write("created", moment(job.created_at));
    cells.progress.replaceChildren(progressBar(job.progress));
    const { loss, validation_accuracy: accuracy } = job.latest_metrics ?? {};
    write("loss", figure(loss));
    write("accuracy", percent(accuracy));
    tick();
  }

  function tick() {
    const labels = Object.entries(shown.labels).map(([key, value]) => `${key}=${value}`);
    under.textContent = [ago(shown.created_at), ...labels].join(" · ");
    under.title = under.textContent;
    write("duration", duration(elapsed(shown)));
  }

  return { row, fill, tick };
}
