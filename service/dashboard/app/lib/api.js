// Calls of the REST API. Addresses are relative to the page, so that the service may be behind a prefix.

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

/**
 * Follows a stream of server-sent events until the event `end`, or until `close` of the returned object is called. The
 * browser reconnects by itself and continues after the last event.
 */
export function follow(path, handlers) {
  let source = null;
  let timer = null;
  let last = "";
  let over = false;

  function open() {
    const address = last ? `${path}${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(last)}` : path;
    source = new EventSource(address);
    source.onopen = () => notifyConnection(true);
    for (const [kind, handle] of Object.entries(handlers)) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        handle(JSON.parse(event.data), event.lastEventId);
        if (kind === "end") close();
      });
    }
    if (!handlers.end) source.addEventListener("end", close);
    // The token was revoked, or the session has ended.
    source.addEventListener("revoked", () => {
      close();
      dispatchEvent(new CustomEvent("unauthorized"));
    });
    source.onerror = () => {
      if (over) return;
      notifyConnection(false);
      // After an answer that is not a stream, such as 503, the browser gives up, so the page must reconnect.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(reopen, 2000);
    };
  }

  // An EventSource does not report the status of the answer. After a 401 this request opens the dialog for a token, and
  // the page is loaded again.
  async function reopen() {
    try {
      await request("session");
    } catch (error) {
      if (!over && error.status !== 401) timer = setTimeout(reopen, 2000);
      return;
    }
    if (!over) open();
  }

  function close() {
    over = true;
    clearTimeout(timer);
    source.close();
  }

  open();
  return { close };
}
