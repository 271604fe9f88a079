// The jobs that were fetched so far, kept up to date with the service.
import { get } from "./api.js";
import { elapsed, modelName } from "./format.js";
import { isFinal } from "./states.js";

const PAGE = 100;
const FIRST = 20;

/** The name of a job's dataset. */
export const datasetName = (job) => job.request.dataset.name ?? job.request.dataset.id;

/** The current or last worker of a job. */
export const workerName = (job) => job.attempts.at(-1)?.worker ?? null;

const TEXTS = {
  job: (job) => job.name ?? job.id,
  state: (job) => job.status,
  model: modelName,
  dataset: datasetName,
  engine: (job) => job.engine,
  worker: workerName,
};
const NUMBERS = {
  created: (job) => Date.parse(job.created_at),
  progress: (job) => job.progress.epoch / job.progress.epochs,
  loss: (job) => job.latest_metrics?.loss,
  accuracy: (job) => job.latest_metrics?.validation_accuracy,
  duration: elapsed,
};

/** The names of the columns that jobs can be sorted by. */
export const SORTABLE = [...Object.keys(TEXTS), ...Object.keys(NUMBERS)];

/** The most jobs that are fetched to be sorted; of more, the newest are. */
export const MAX_SORTED = 5000;

/**
 * Jobs that match a filter, fetched page by page; visible ones are refreshed. They are the newest first, or in the order
 * of a column: `sort` is `{column, isDescending}` or null.
 */
export class JobList {
  /** `status`, `labels` (as `key=value`) and the words of `text` filter on the service. */
  constructor({ status = "", labels = [], text = "", sort = null }) {
    this.status = status;
    this.labels = labels;
    this.text = text.trim();
    this.sort = sort;
    this.jobs = [];
    this.total = null;
    this.begun = false;
    this.cursor = null;
    this.complete = false;
  }

  /** The jobs in their order. */
  get shown() {
    return this.sort ? sorted(this.jobs, this.sort) : this.jobs;
  }

  /** Whether more jobs are needed to show the first `wanted` rows. */
  needs(wanted) {
    if (this.complete) return false;
    return this.sort ? this.jobs.length < MAX_SORTED : this.jobs.length <= wanted;
  }

  /** Fetches the next page. */
  async more() {
    const page = await this.#page(PAGE, this.cursor);
    this.#merge(page.data);
    this.begun = true;
    this.total = page.total ?? null;
    this.cursor = page.next;
    this.complete = !page.has_more;
  }

  /** Fetches new jobs, and the jobs in `visible` that have not ended. */
  async refresh(visible) {
    const seen = new Set();
    let page = { next: null };
    do {
      page = await this.#page(FIRST, page.next);
      const known = page.data.some((job) => this.jobs.some((other) => other.id === job.id));
      for (const job of page.data) seen.add(job.id);
      // A known job that is newer than the end of this page, but not on it, was deleted or no longer matches.
      const oldest = page.has_more ? page.next : "";
      this.jobs = this.jobs.filter((job) => job.id < oldest || seen.has(job.id));
      this.#merge(page.data);
      this.total = page.total ?? null;
      if (known) break;
    } while (page.has_more && !this.text && this.jobs.length > seen.size);
    const mine = new Set(this.jobs.map((job) => job.id));
    const others = visible.filter((job) => mine.has(job.id) && !isFinal(job) && !seen.has(job.id));
    await Promise.all(others.map((job) => this.#refreshOne(job.id)));
  }

  async #refreshOne(id) {
    try {
      const job = await get(`jobs/${id}`);
      if (this.status && job.status !== this.status) this.#drop(id);
      else this.#merge([job]);
    } catch (error) {
      if (error.status !== 404) throw error;
      this.#drop(id);
    }
  }

  #page(limit, after) {
    const query = new URLSearchParams({ limit });
    if (this.status) query.set("status", this.status);
    for (const label of this.labels) query.append("label", label);
    if (this.text) query.set("text", this.text);
    if (after) query.set("after", after);
    return get(`jobs?${query}`);
  }

  #merge(jobs) {
    const places = new Map(this.jobs.map((job, n) => [job.id, n]));
    const fresh = jobs.filter((job) => !places.has(job.id));
    this.jobs = [...this.jobs];
    for (const job of jobs) if (places.has(job.id)) this.jobs[places.get(job.id)] = job;
    if (!fresh.length) return;
    // Ids sort by time.
    this.jobs = [...this.jobs, ...fresh].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  #drop(id) {
    this.jobs = this.jobs.filter((job) => job.id !== id);
  }
}

/** Jobs without a value are last, in either direction; equal ones stay newest first. */
function sorted(jobs, { column, isDescending }) {
  const read = TEXTS[column] ?? NUMBERS[column];
  const sign = isDescending ? -1 : 1;
  const rows = jobs.map((job) => ({ job, value: read(job) ?? null }));
  rows.sort((one, other) => {
    if (one.value === null || other.value === null) return Number(one.value === null) - Number(other.value === null);
    if (column in TEXTS) return sign * one.value.localeCompare(other.value, "en", { numeric: true });
    return sign * (one.value - other.value);
  });
  return rows.map(({ job }) => job);
}
