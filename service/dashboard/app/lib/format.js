// Values as text. A missing value is a dash.
import { now } from "./clock.js";

const DASH = "–";

/** A loss or another number in plain notation with four significant digits; below 0.00000001 with an exponent. */
export function figure(value) {
  if (value === null || value === undefined) return DASH;
  const rounded = Number(value.toPrecision(4));
  if (rounded !== 0 && Math.abs(rounded) < 1e-8) return rounded.toExponential();
  return rounded.toLocaleString("en", { maximumFractionDigits: 12, useGrouping: Math.abs(rounded) >= 1e5 });
}

/** A share between 0 and 1. */
export function percent(value) {
  return value === null || value === undefined ? DASH : `${(100 * value).toFixed(2)} %`;
}

/** A count, with separators of thousands. */
export function count(value) {
  return value === null || value === undefined ? DASH : Math.round(value).toLocaleString("en");
}

/** A size. */
export function bytes(value) {
  if (value === null || value === undefined) return DASH;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let n = 0;
  let size = value;
  while (size >= 1000 && n < units.length - 1) {
    size /= 1000;
    n += 1;
  }
  return `${n ? size.toFixed(1) : size} ${units[n]}`;
}

/** A time span in seconds: `3.2 s`, `4 min 10 s`, `2 h 5 min`; never negative, whatever clocks say. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** The time since a time of the API. */
export function ago(time) {
  if (!time) return DASH;
  const seconds = (now() - Date.parse(time)) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

/** A time of the API as a date and a time of the day, in the reader's time zone; of another year, with the year. */
export function moment(time) {
  const date = new Date(time);
  const year = date.getFullYear() === new Date(now()).getFullYear() ? undefined : "numeric";
  return date.toLocaleString("en-GB", { day: "numeric", month: "short", year, hour: "2-digit", minute: "2-digit" });
}

/** Seconds since the job started, until its end. */
export function elapsed(job) {
  if (!job.started_at) return null;
  const end = job.finished_at ? Date.parse(job.finished_at) : now();
  return Math.max(0, (end - Date.parse(job.started_at)) / 1000);
}

/** A short name of the model that a job trains. */
export function modelName(job) {
  const model = job.request.model;
  return model.preset ?? model.name ?? model.id ?? (model.job ? `from ${model.job}` : "own spec");
}
