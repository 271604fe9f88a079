// The jobs that were fetched so far, kept up to date with the service.
import { get } from "./api.js";
import { modelName } from "./format.js";
import { isFinal } from "./states.js";

const PAGE = 100;
const FIRST = 20;

/** The name of a job's dataset. */
export const datasetName = (job) => job.request.dataset.name ?? job.request.dataset.id;

/** The current or last worker of a job. */
export const workerName = (job) => job.attempts.at(-1)?.worker ?? null;

/** Jobs that match a filter, newest first: fetched page by page; visible ones are refreshed. */
export class JobList {
  /** `status` and `labels` (as `key=value`) filter on the service; `text` filters the fetched jobs. */
  constructor({ status = "", labels = [], text = "" }) {
    this.status = status;
    this.labels = labels;
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.jobs = [];
    this.begun = false;
    this.cursor = null;
    this.complete = false;
  }

  /** The jobs that also match the text. */
  get shown() {
    return this.words.length ? this.jobs.filter((job) => this.#matches(job)) : this.jobs;
  }

  /** Fetches the next page. */
  async more() {
    const page = await this.#page(PAGE, this.cursor);
    this.#merge(page.data);
    this.begun = true;
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
      // A known job between the jobs of this page that is not on it was deleted.
      const oldest = page.has_more ? page.data.at(-1).id : "";
      this.jobs = this.jobs.filter((job) => job.id < oldest || seen.has(job.id));
      this.#merge(page.data);
      if (known) break;
    } while (page.has_more && this.jobs.length > seen.size);
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

  #matches(job) {
    const labels = Object.entries(job.labels).map(([key, value]) => `${key}=${value}`);
    const parts = [job.id, job.name, job.status, job.engine, modelName(job), datasetName(job), workerName(job), job.reason?.code];
    const text = [...parts, ...labels].join("\n").toLowerCase();
    return this.words.every((word) => text.includes(word));
  }
}
