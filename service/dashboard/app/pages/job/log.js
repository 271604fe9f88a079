// The events of a job, including the log lines of its training.
import { el } from "../../lib/dom.js";
import { bytes, figure, percent } from "../../lib/format.js";

const MAX_EVENTS = 1000;
// Making a format for each event would take most of the time.
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** A list of the newest events; `add(type, data, time)` appends one. */
export function eventLog() {
  const list = el("ol", { class: "events", tabindex: 0, "aria-label": "Events and log lines" });
  const only = el("select", { onchange: () => (list.dataset.only = only.value) }, [
    el("option", { value: "" }, "Everything"),
    el("option", { value: "log" }, "Log lines"),
    el("option", { value: "state" }, "State changes"),
    el("option", { value: "epoch" }, "Epochs"),
    el("option", { value: "checkpoint" }, "Checkpoints"),
  ]);
  const element = el("section", { class: "card" }, [
    el("div", { class: "head" }, el("h2", {}, "Events and log"), el("label", { class: "check actions" }, "Show", only)),
    list,
  ]);
  let waiting = [];

  /** Appends once per frame, because the stream of a finished job sends all events at once. */
  function add(type, data, time) {
    if (!waiting.length) requestAnimationFrame(flush);
    waiting.push({ type, data, time });
    // Of many events at once only the newest become elements.
    if (waiting.length > 2 * MAX_EVENTS) waiting = waiting.slice(-MAX_EVENTS);
  }

  function row({ type, data, time }) {
    const clock = time ? CLOCK.format(time) : "";
    return el("li", { class: type }, el("time", time ? { datetime: new Date(time).toISOString() } : {}, clock), el("span", { class: "kind" }, type), el("span", {}, sentence(type, data)));
  }

  function flush() {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(...waiting.slice(-MAX_EVENTS).map(row));
    waiting = [];
    while (list.childElementCount > MAX_EVENTS) list.firstChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  return { element, add };
}

function sentence(type, data) {
  switch (type) {
    case "state":
      return `${data.from ?? "new"} → ${data.to}${data.reason ? `: ${data.reason.detail}` : ""}`;
    case "epoch":
      return `${data.epoch}/${data.epochs}: loss ${data.diverged ? "not finite" : figure(data.loss)}, validation ${figure(data.validation_loss)}, accuracy ${percent(data.validation_accuracy)}`;
    case "checkpoint":
      return `of epoch ${data.epoch}${data.step ? `, mini-batch ${data.step}` : ""}, ${bytes(data.bytes)}`;
    case "artifact":
      return `${data.variant}, ${bytes(data.bytes)}`;
    case "log":
      return data.line;
    default:
      return JSON.stringify(data);
  }
}
