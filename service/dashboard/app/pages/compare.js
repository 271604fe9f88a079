// Several jobs compared: their curves and their requests.
import { get } from "../lib/api.js";
import { colourName } from "../lib/chart/colours.js";
import { line as chartLine } from "../lib/chart/series.js";
import { requestRows } from "../lib/differences.js";
import { el, emptyState, problemBox, renew } from "../lib/dom.js";
import { duration, elapsed, figure, percent } from "../lib/format.js";
import { poll } from "../lib/poll.js";
import { keepInAddress } from "../lib/router.js";
import { isFinal } from "../lib/states.js";
import { stylesheet } from "../lib/stylesheet.js";
import { curveSettings } from "../components/curve-settings.js";
import { jobName } from "../components/job-row.js";
import { lineChart } from "../components/line-chart.js";
import { statusBadge } from "../components/status-badge.js";

export const title = "Compare";

const EVERY = 2;
const METRICS = {
  loss: "Training loss",
  validation_loss: "Validation loss",
  validation_accuracy: "Validation accuracy",
  examples_per_second: "Examples a second",
  learning_rate: "Learning rate",
};

export async function show(main, _parameters, query) {
  await stylesheet(new URL("./compare.css", import.meta.url));
  const ids = [...new Set((query.get("jobs") ?? "").split(",").filter(Boolean))];
  if (!ids.length) {
    main.append(emptyState("Nothing to compare yet", el("p", {}, "Tick two jobs or more in the table, then press Compare."), el("a", { class: "button primary", href: "#/jobs" }, "Choose jobs")));
    return undefined;
  }
  const jobsById = new Map();
  const chart = lineChart("The chosen metric of every job");
  const metric = chooser("metric", Object.entries(METRICS));
  const across = chooser("along", [["epoch", "Epoch"], ["time", "Training time"]]);
  const settings = curveSettings(query, draw);
  const only = el("input", { type: "checkbox", onchange: () => table.classList.toggle("compare-only", only.checked) });
  const table = el("table", { class: "compare-table" });
  const trouble = el("div", { hidden: true });
  main.append(
    el("div", { class: "head" }, el("h1", {}, "Compare"), el("span", { class: "muted" }, `${ids.length} jobs`)),
    trouble,
    el("div", { class: "compare-fields" }, el("label", {}, "Metric", metric), el("label", {}, "Along", across), settings.element),
    el("section", { class: "card" }, chart.element),
    el("section", { class: "card" }, [
      el("div", { class: "head" }, el("h2", {}, "Results and requests"), el("label", { class: "check actions" }, only, "Only what differs")),
      el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Results and requests" }, table),
    ]),
  );
  chart.element.classList.add("compare-chart");
  const turns = poll(EVERY, refresh);

  /** A field whose choice is kept in the address. */
  function chooser(name, options) {
    const choose = () => {
      keepInAddress(name, select.value === options[0][0] ? null : select.value);
      draw();
    };
    const select = el("select", { onchange: choose }, options.map(([value, text]) => el("option", { value, selected: query.get(name) === value }, text)));
    return select;
  }

  async function refresh() {
    const open = ids.filter((id) => !jobsById.has(id) || !isFinal(jobsById.get(id).job));
    const answers = await Promise.allSettled(open.map(fetchOne));
    const errors = answers.map((answer) => (answer.status === "rejected" ? answer.reason : null));
    const failure = errors.find((error) => error?.status);
    trouble.replaceChildren(...(failure ? [problemBox(failure)] : []));
    trouble.hidden = !failure;
    // Deleted jobs are not requested again.
    errors.forEach((error, n) => error?.status === 404 && ids.splice(ids.indexOf(open[n]), 1));
    if (answers.some((answer) => answer.status === "fulfilled")) draw();
  }

  /** Fetches the job first: if it has ended by then, its metrics are complete. */
  async function fetchOne(id) {
    const path = `jobs/${encodeURIComponent(id)}`;
    const job = await get(path);
    const { data } = await get(`${path}/metrics`);
    jobsById.set(id, { job, epochs: data });
  }

  function draw() {
    const all = ids.filter((id) => jobsById.has(id)).map((id) => jobsById.get(id));
    const name = metric.value;
    const labels = uniqueNames(all.map(({ job }) => job));
    const isByTime = across.value === "time";
    const isShare = name === "validation_accuracy";
    chart.draw(() => ({
      x: isByTime ? "Seconds of training" : "Epoch",
      y: METRICS[name],
      log: settings.log,
      whole: !isByTime,
      ...(isShare ? { format: "percent", within: [0, 1] } : {}),
      series: all.map(({ epochs }, n) => chartLine({
        name: labels[n],
        x: isByTime ? running(epochs) : epochs.map((epoch) => epoch.epoch),
        y: epochs.map((epoch) => epoch[name]),
        smoothing: settings.smoothing,
      })),
    }));
    drawTable(all);
  }

  function drawTable(all) {
    const jobs = all.map(({ job }) => job);
    const head = el("tr", {}, el("th", { scope: "col" }, el("span", { class: "unseen" }, "What")), jobs.map((job, n) =>
      el("th", { scope: "col" }, el("span", { class: "swatch", style: `background: var(${colourName(n)})` }), el("a", { href: `#/jobs/${job.id}` }, jobName(job))),
    ));
    const groups = [["Results", results(all)], ...grouped(requestRows(jobs))];
    const rows = groups.flatMap(([group, members]) => [
      el("tr", { class: members.some((row) => row.differs) ? "group" : "group same" }, el("th", { scope: "rowgroup", colspan: jobs.length + 1 }, group)),
      ...members.map(line),
    ]);
    const whole = [el("thead", {}, head), el("tbody", {}, rows)];
    if (table.childElementCount) [...table.children].forEach((part, n) => renew(part, whole[n]));
    else table.append(...whole);
  }

  function line({ group, name, values, differs }) {
    const mark = differs && group ? el("span", { class: "unseen" }, " (differs)") : null;
    return el("tr", { class: differs ? (group ? "differs" : "") : "same" }, el("th", { scope: "row" }, name, mark), values.map((value) =>
      el("td", {}, value === null ? "–" : value instanceof Node ? value : String(value)),
    ));
  }

  return () => {
    turns.stop();
    chart.end();
  };
}

/** The names of jobs; those that several jobs share end with the last characters of their ids. */
function uniqueNames(jobs) {
  const names = jobs.map(jobName);
  return names.map((name, n) => (names.indexOf(name) === names.lastIndexOf(name) ? name : `${name} (${jobs[n].id.slice(-6)})`));
}

/** The seconds of training until each epoch, without the time between attempts. */
function running(epochs) {
  let sum = 0;
  return epochs.map((epoch) => (sum += epoch.seconds));
}

/** The rows of results; they always count as different. */
function results(all) {
  const best = (epochs, name, choose) => {
    const values = epochs.map((epoch) => epoch[name]).filter((value) => value !== null);
    return values.length ? choose(...values) : null;
  };
  const row = (name, read) => ({ name, values: all.map(read), differs: true });
  return [
    row("State", ({ job }) => statusBadge(job.status)),
    row("Epochs", ({ job }) => `${job.progress.epoch}/${job.progress.epochs}`),
    row("Loss", ({ epochs }) => figure(epochs.at(-1)?.loss)),
    row("Lowest validation loss", ({ epochs }) => figure(best(epochs, "validation_loss", Math.min))),
    row("Best accuracy", ({ epochs }) => percent(best(epochs, "validation_accuracy", Math.max))),
    row("Duration", ({ job }) => duration(elapsed(job))),
  ];
}

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return [...groups];
}
