// The curves of a job: loss, accuracy and speed by epoch, live.
import { get } from "../../lib/api.js";
import { batchPoints, line } from "../../lib/chart/series.js";
import { el } from "../../lib/dom.js";
import { count, duration, figure, percent } from "../../lib/format.js";
import { keepInAddress } from "../../lib/router.js";
import { curveSettings } from "../../components/curve-settings.js";
import { lineChart } from "../../components/line-chart.js";

/** Charts, with the settings in the address (`query`), and a table of epochs; `add(epoch, eventId)` adds one. */
export function curves(id, query) {
  const epochs = new Map();
  const batches = new Map();
  const eventIds = new Map();
  let fetching = null;
  let fetchedTo = "";
  const loss = lineChart("Loss of each epoch, in training and in validation");
  const accuracy = lineChart("Accuracy of each epoch in validation");
  const speed = lineChart("Training examples a second in each epoch");
  const detail = el("input", { type: "checkbox", checked: query.has("batches"), onchange: toggle });
  const detailField = el("label", { class: "check" }, detail, "Mini-batches");
  const settings = curveSettings(query, draw, [detailField]);
  const rows = el("tbody");
  const names = ["Epoch", "Loss", "Validation loss", "Accuracy", "Examples/s", "Time", "Attempt"];
  const waiting = el("p", { class: "muted" }, "Curves appear with the first finished epoch.");
  const accuracyCard = el("section", { class: "card" }, el("h2", {}, "Validation accuracy"), accuracy.element);
  const charts = el("div", { class: "curves" }, [
    el("section", { class: "card" }, el("h2", {}, "Loss"), loss.element),
    accuracyCard,
    el("section", { class: "card" }, el("h2", {}, "Examples a second"), speed.element),
  ]);
  const table = el("details", { class: "card", ontoggle: fillTable }, el("summary", {}, "All epochs as a table"), [
    el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Epochs" }, [
      el("table", {}, el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col", class: "number" }, name)))), rows),
    ]),
  ]);
  const element = el("div", { class: "stack" }, settings.element, waiting, charts, table);
  show();

  function add(epoch, eventId) {
    if (epochs.has(epoch.epoch)) return;
    eventIds.set(epoch.epoch, eventId);
    epochs.set(epoch.epoch, epoch);
    if (table.open) rows.append(row(epoch));
    show();
    draw();
    fetchBatches();
  }

  function row(epoch) {
    const { loss: own, validation_loss: other, validation_accuracy: right } = epoch;
    const lossText = epoch.diverged ? "diverged" : figure(own);
    const cells = [epoch.epoch, lossText, figure(other), percent(right), count(epoch.examples_per_second), duration(epoch.seconds), epoch.attempt];
    return el("tr", {}, cells.map((cell) => el("td", { class: "number" }, String(cell))));
  }

  /** Makes the rows when the table is opened: those of 5,000 epochs take seconds. */
  function fillTable() {
    rows.replaceChildren(...(table.open ? [...epochs.values()].map(row) : []));
  }

  function update(job) {
    const hasBatches = job.request.report === "batch";
    detail.disabled = !hasBatches;
    detailField.title = hasBatches ? "" : "The job does not record them: its `report` is not `batch`.";
  }

  function show() {
    waiting.hidden = epochs.size > 0;
    for (const part of [settings.element, charts, table]) part.hidden = !epochs.size;
  }

  function toggle() {
    keepInAddress("batches", detail.checked ? "1" : null);
    fetchBatches();
    draw();
  }

  /** Fetches the losses of the mini-batches of epochs that have ended since; there are many, so only on request. */
  async function fetchBatches() {
    if (!detail.checked || fetching) return;
    fetching = new AbortController();
    try {
      let page;
      do {
        const query = new URLSearchParams({ batches: "true", ...(fetchedTo ? { after: fetchedTo } : {}) });
        page = await get(`jobs/${id}/metrics?${query}`, { signal: fetching.signal });
        for (const { epoch, batch_losses: losses } of page.data) if (losses) batches.set(epoch, losses);
        fetchedTo = page.next ?? eventIds.get(page.data.at(-1)?.epoch) ?? fetchedTo;
        draw();
      } while (page.has_more);
    } catch {
      // The next epoch tries again.
    }
    fetching = null;
  }

  function draw() {
    const all = [...epochs.values()].sort((a, b) => a.epoch - b.epoch);
    const x = all.map((epoch) => epoch.epoch);
    const column = (name) => all.map((epoch) => epoch[name]);
    const { log, smoothing } = settings;
    const of = (name, field, more = {}) => line({ name, x, y: column(field), smoothing, ...more });
    const has = (field) => all.some((epoch) => epoch[field] !== null);
    const best = bestEpoch(all);
    accuracyCard.hidden = !has("validation_accuracy");
    loss.draw(() => ({
      x: "Epoch",
      y: "Loss",
      log,
      whole: true,
      // Each series keeps its colour, whichever others there are.
      series: [
        ...(detail.checked ? [line({ name: "Mini-batches", ...batchPoints(batches), smoothing, dots: false, dash: [], place: 2 })] : []),
        of("Training", "loss", { place: 0 }),
        ...(has("validation_loss") ? [of("Validation", "validation_loss", { place: 1, mark: best?.loss })] : []),
      ],
    }));
    if (has("validation_accuracy")) {
      accuracy.draw(() => ({
        x: "Epoch",
        y: "Accuracy",
        format: "percent",
        within: [0, 1],
        whole: true,
        series: [of("Validation", "validation_accuracy", { place: 1, mark: best?.accuracy })],
      }));
    }
    speed.draw(() => ({ x: "Epoch", y: "Examples/s", zero: true, whole: true, series: [of("Training", "examples_per_second", { place: 2 })] }));
  }

  function end() {
    fetching?.abort();
    for (const chart of [loss, accuracy, speed]) chart.end();
  }

  return { element, add, update, end };
}

/** The marks of the epoch with the lowest validation loss, on both of its charts. */
function bestEpoch(epochs) {
  const measured = epochs.filter((epoch) => epoch.validation_loss !== null);
  if (measured.length < 2) return null;
  const { epoch, validation_loss: loss, validation_accuracy: accuracy } = measured.reduce((one, other) => (other.validation_loss < one.validation_loss ? other : one));
  const text = `best: epoch ${epoch}`;
  return { loss: { x: epoch, y: loss, text }, accuracy: accuracy === null ? undefined : { x: epoch, y: accuracy, text } };
}
