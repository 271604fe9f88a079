// The REST API. Addresses are relative to the page, so that the service may stand behind a prefix.

/** An answer that is a problem (RFC 9457), or no answer at all: then `status` is 0. */
export class ApiError extends Error {
  constructor(status, title, detail, faults = []) {
    super(detail);
    this.status = status;
    this.title = title;
    this.faults = faults;
  }
}

const listeners = new Set();

/** Calls `listener(reachable)` whenever the service is found to be there or not. */
export function onConnection(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Says whether the service was reached, for whoever shows it. */
export function tellConnection(reachable) {
  for (const listener of listeners) listener(reachable);
}

/** The answer to a request; problems are thrown. */
export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    tellConnection(false);
    throw failure(0, {});
  }
  tellConnection(true);
  if (answer.ok) return answer;
  throw failure(answer.status, await answer.json().catch(() => ({})));
}

/** The error that an answer comes to; status 0 is none at all. Whoever is unknown is asked to sign in. */
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
 * Follows a stream of server-sent events until `close` of what is returned is called, or the stream says `end`.
 * The browser reconnects by itself where it left off, and only closes for good when it is told to.
 */
export function follow(path, handlers) {
  let source = null;
  let timer = null;
  let last = "";
  let over = false;

  function open() {
    const address = last ? `${path}${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(last)}` : path;
    source = new EventSource(address);
    source.onopen = () => tellConnection(true);
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
      tellConnection(false);
      // After an answer that is no stream, as 503 is, the browser gives up: then it is for us to come back.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(reopen, 2000);
    };
  }

  // An EventSource does not say what it was answered. If it was 401, this asks for a token, and the page is loaded
  // again after that.
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
