// The history of a job: its attempts and its changes of state.
import { now } from "../../lib/clock.js";
import { el } from "../../lib/dom.js";
import { duration } from "../../lib/format.js";
import { isFinal } from "../../lib/states.js";
import { statusBadge } from "../../components/status-badge.js";

const clock = (time) => new Date(time).toLocaleTimeString("en-GB", { hour12: false });
const between = (start, end) => ((end ? Date.parse(end) : now()) - Date.parse(start)) / 1000;

/** A time of the API, to the second; the tooltip has the date. */
export function moment(time) {
  return el("time", { datetime: time, title: new Date(time).toLocaleString("en-GB") }, clock(time));
}

/** The attempts as a table. */
export function attempts(job) {
  if (!job.attempts.length) return el("p", { class: "muted" }, job.waiting_for ?? "No worker has taken it yet.");
  const names = ["No.", "Worker", "Engine", "State", "Began", "Took", "Remarks"];
  const rows = job.attempts.map((attempt) => {
    const took = duration(between(attempt.started_at, attempt.ended_at));
    const cells = [attempt.number, attempt.worker, attempt.engine, statusBadge(attempt.status), moment(attempt.started_at), took];
    return el("tr", {}, cells.map((cell) => el("td", {}, cell instanceof Node ? cell : String(cell))), el("td", {}, remarks(attempt)));
  });
  return scroll("Attempts", names, rows);
}

function remarks(attempt) {
  const texts = [];
  const from = attempt.resumed_from;
  if (from) texts.push(`Continued from epoch ${from.epoch}${from.step ? `, mini-batch ${from.step}` : ""}.`);
  if (from?.notice) texts.push(from.notice);
  if (attempt.reason) texts.push(`${attempt.reason.code}: ${attempt.reason.detail}`);
  return texts.map((text) => el("div", {}, text));
}

/** The changes of state, and how long each state lasted. */
export function transitions(job) {
  const rows = job.transitions.map((change, n) => {
    const next = job.transitions[n + 1];
    const lasted = next || !isFinal(job) ? duration(between(change.at, next?.at)) : "–";
    return el("tr", {}, el("td", {}, moment(change.at)), el("td", {}, statusBadge(change.to)), el("td", { class: "number" }, lasted));
  });
  return scroll("State changes", ["At", "State", "Lasted"], rows, ["Lasted"]);
}

/** A table that scrolls sideways if necessary; the columns in `numbers` are right-aligned. */
export function scroll(label, names, rows, numbers = []) {
  const head = el("tr", {}, names.map((name) => el("th", { scope: "col", class: numbers.includes(name) ? "number" : null }, name)));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows)));
}
