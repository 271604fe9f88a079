// The curves of a job: loss, accuracy and speed by epoch, live.
import { follow } from "../../lib/api.js";
import { batchPoints, lines } from "../../lib/curves.js";
import { el } from "../../lib/dom.js";
import { count, duration, figure, percent } from "../../lib/format.js";
import { curveSettings } from "../../components/curve-settings.js";
import { lineChart } from "../../components/line-chart.js";

/** Charts and a table of epochs; `add(epoch)` adds one. */
export function curves(id) {
  const epochs = new Map();
  const batches = new Map();
  let stream = null;
  const loss = lineChart("Loss of each epoch, in training and in validation");
  const accuracy = lineChart("Accuracy of each epoch in validation");
  const speed = lineChart("Training examples a second in each epoch");
  const detail = el("input", { type: "checkbox", onchange: toggle });
  const detailField = el("label", { class: "check" }, detail, "Mini-batches");
  const settings = curveSettings(draw, [detailField]);
  const rows = el("tbody");
  const names = ["Epoch", "Loss", "Validation loss", "Accuracy", "Examples/s", "Time", "Attempt"];
  const waiting = el("p", { class: "muted" }, "Curves appear with the first finished epoch.");
  const accuracyCard = el("section", { class: "card" }, el("h2", {}, "Validation accuracy"), accuracy.element);
  const charts = el("div", { class: "curves" }, [
    el("section", { class: "card" }, el("h2", {}, "Loss"), loss.element),
    accuracyCard,
    el("section", { class: "card" }, el("h2", {}, "Examples a second"), speed.element),
  ]);
  const table = el("details", { class: "card" }, el("summary", {}, "All epochs as a table"), [
    el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Epochs" }, [
      el("table", {}, el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col", class: "number" }, name)))), rows),
    ]),
  ]);
  const element = el("div", { class: "stack" }, settings.element, waiting, charts, table);
  show();

  function add(epoch) {
    if (epochs.has(epoch.epoch)) return;
    epochs.set(epoch.epoch, epoch);
    const { loss: own, validation_loss: other, validation_accuracy: right } = epoch;
    const lossText = epoch.diverged ? "diverged" : figure(own);
    const cells = [epoch.epoch, lossText, figure(other), percent(right), count(epoch.examples_per_second), duration(epoch.seconds), epoch.attempt];
    rows.append(el("tr", {}, cells.map((cell) => el("td", { class: "number" }, String(cell)))));
    show();
    draw();
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

  /** Opens the stream of mini-batches only on request, because there are many. */
  function toggle() {
    if (detail.checked && !stream) {
      stream = follow(`jobs/${id}/metrics?batches=true`, {
        batches: ({ epoch, losses }) => {
          batches.set(epoch, losses);
          draw();
        },
      });
    }
    draw();
  }

  function draw() {
    const all = [...epochs.values()].sort((a, b) => a.epoch - b.epoch);
    const x = all.map((epoch) => epoch.epoch);
    const column = (name) => all.map((epoch) => epoch[name]);
    const { log, smoothing } = settings;
    const measured = all.some((epoch) => epoch.validation_accuracy !== null);
    accuracyCard.hidden = !measured;
    loss.draw(({ series }) => ({
      x: "Epoch",
      y: "Loss",
      log,
      series: [
        ...(detail.checked ? lines({ name: "Mini-batches", ...batchPoints(batches), color: series[3], smoothing, markers: false }) : []),
        ...lines({ name: "Training", x, y: column("loss"), color: series[0], smoothing }),
        ...(all.some((epoch) => epoch.validation_loss !== null)
          ? lines({ name: "Validation", x, y: column("validation_loss"), color: series[1], smoothing, dash: "dash" })
          : []),
      ],
    }));
    if (measured) {
      accuracy.draw(({ series }) => ({
        x: "Epoch",
        y: "Accuracy",
        format: ".1%",
        series: lines({ name: "Validation", x, y: column("validation_accuracy"), color: series[1], smoothing }),
      }));
    }
    speed.draw(({ series }) => ({
      x: "Epoch",
      y: "Examples/s",
      zero: true,
      series: lines({ name: "Training", x, y: column("examples_per_second"), color: series[2], smoothing }),
    }));
  }

  function end() {
    stream?.close();
    for (const chart of [loss, accuracy, speed]) chart.end();
  }

  return { element, add, update, end };
}
