// Values as text. A missing value is a dash.

const DASH = "–";

/** A loss or another small number, with four significant digits. */
export function figure(value) {
  if (value === null || value === undefined) return DASH;
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(2);
  return Number(value.toPrecision(4)).toString();
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

/** A time span in seconds: `3.2 s`, `4 min 10 s`, `2 h 5 min`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The time since a time of the API. */
export function ago(time, now = Date.now()) {
  if (!time) return DASH;
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

/** Seconds since the job started, until its end. */
export function elapsed(job, now = Date.now()) {
  if (!job.started_at) return null;
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  return Math.max(0, (end - Date.parse(job.started_at)) / 1000);
}

/** A short name of the model that a job trains. */
export function modelName(job) {
  const model = job.request.model;
  return model.preset ?? model.name ?? model.id ?? (model.job ? `from ${model.job}` : "own spec");
}
