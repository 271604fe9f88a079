// The states of a job, and the actions that are possible in each.

export const STATES = ["queued", "starting", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"];

const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/** Whether a job has ended. */
export const isFinal = (job) => FINAL.has(job.status);

/** The actions that are possible for a job: names of calls of the API, and `delete`. */
export function allowed(job) {
  return {
    pause: ["queued", "starting", "running"].includes(job.status),
    resume: job.status === "paused",
    cancel: !isFinal(job) && job.status !== "cancelling",
    retry: ["failed", "cancelled"].includes(job.status),
    delete: isFinal(job),
  };
}
