// Calls of the REST API. Addresses are relative to the page, so that the service may be behind a prefix.
import { noteDate } from "./clock.js";

/** A problem (RFC 9457) as the answer, or no answer: then `status` is 0. */
export class ApiError extends Error {
  constructor(status, title, detail, faults = []) {
    super(detail);
    this.status = status;
    this.title = title;
    this.faults = faults;
  }
}

const listeners = new Set();

/** Calls `listener(reachable)` after each request; returns a function that removes the listener. */
export function onConnection(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Notifies the listeners whether the service was reached. */
export function notifyConnection(reachable) {
  for (const listener of listeners) listener(reachable);
}

/** The answer to a request; problems are thrown. */
export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    notifyConnection(false);
    throw failure(0, {});
  }
  notifyConnection(true);
  noteDate(answer.headers.get("date"));
  if (answer.ok) return answer;
  throw failure(answer.status, await answer.json().catch(() => ({})));
}

/** The error for an answer; status 0 means no answer. A 401 opens the dialog for a token. */
export function failure(status, problem) {
  if (status === 0) {
    return new ApiError(0, "The service cannot be reached", "Check that `pippin up` runs; the page tries again by itself.");
  }
  if (status === 401) dispatchEvent(new CustomEvent("unauthorized"));
  return new ApiError(status, problem.title ?? `The service answered ${status}`, problem.detail ?? "", problem.errors ?? []);
}

/** The JSON of a GET. */
export async function get(path, options = {}) {
  return (await request(path, options)).json();
}

/** The JSON of a POST, or null where there is none. */
export async function post(path, body, headers = {}) {
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
  const answer = await request(path, { method: "POST", headers, ...json });
  return answer.status === 204 ? null : answer.json();
}

/** Deletes what is at `path`. */
export async function remove(path) {
  await request(path, { method: "DELETE" });
}
