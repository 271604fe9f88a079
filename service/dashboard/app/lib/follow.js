// Follows the events of a job: over a stream, or by polling where the browser has no connection left for one.
import { get, notifyConnection, request } from "./api.js";
import { isFinal } from "./states.js";

// A browser opens six connections to a host (HTTP/1.1) for all of its tabs together. A stream keeps one for as long as the
// job runs, so that six streams would leave none for anything else.
const STREAMS = 3;
const POLL_SECONDS = 2;
const RETRY_SECONDS = 2;
const HIDDEN_SECONDS = 5;

/**
 * Calls `handlers[type](data, id)` for each event at `path`, the past ones first, until the event `end` or until `close` of
 * the returned object is called. After an interruption it continues behind the last event. While the tab is hidden,
 * nothing is sent.
 */
export function follow(path, handlers) {
  let last = "";
  let source = null;
  let timer = null;
  let isClosed = false;
  let giveBack = null;

  async function begin() {
    if (isClosed || document.hidden || source) return;
    const slot = await freeSlot();
    if (isClosed || document.hidden) slot?.();
    else if (slot) stream(slot);
    else pollEvents();
  }

  function stream(release) {
    giveBack = release;
    source = new EventSource(last ? `${path}?after=${encodeURIComponent(last)}` : path);
    source.onopen = () => notifyConnection(true);
    for (const type of new Set([...Object.keys(handlers), "end"])) {
      source.addEventListener(type, (event) => handle(type, JSON.parse(event.data), event.lastEventId));
    }
    // The token was revoked, or the session has ended.
    source.addEventListener("revoked", () => {
      close();
      dispatchEvent(new CustomEvent("unauthorized"));
    });
    source.onerror = () => {
      if (isClosed) return;
      notifyConnection(false);
      // After an answer that is not a stream, such as 503, the browser gives up, so the page must reconnect.
      if (source.readyState !== EventSource.CLOSED) return;
      pause();
      timer = setTimeout(reopen, 1000 * RETRY_SECONDS);
    };
  }

  // An EventSource does not report the status of the answer. After a 401 this request opens the dialog for a token, and
  // the page is loaded again.
  async function reopen() {
    try {
      await request("session");
    } catch (error) {
      if (!isClosed && error.status !== 401) timer = setTimeout(reopen, 1000 * RETRY_SECONDS);
      return;
    }
    begin();
  }

  async function pollEvents() {
    try {
      let page;
      do {
        page = await get(last ? `${path}?after=${encodeURIComponent(last)}` : path, { headers: { accept: "application/json" } });
        for (const { type, data, id } of page.data) handle(type, data, id);
        if (page.next) last = page.next;
      } while (page.has_more && !isClosed);
      if (isFinal(page)) return void handle("end", {}, last);
    } catch (error) {
      // The job was deleted: a stream does not tell more.
      if (error.status === 404) return close();
      if (error.status === 401) return undefined;
    }
    if (!isClosed) timer = setTimeout(begin, 1000 * POLL_SECONDS);
    return undefined;
  }

  function handle(type, data, id) {
    if (isClosed) return;
    last = id || last;
    handlers[type]?.(data, id);
    if (type === "end") close();
  }

  function pause() {
    clearTimeout(timer);
    source?.close();
    source = null;
    giveBack?.();
    giveBack = null;
  }

  function onVisibility() {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(pause, 1000 * HIDDEN_SECONDS);
    else begin();
  }

  function close() {
    isClosed = true;
    pause();
    document.removeEventListener("visibilitychange", onVisibility);
  }

  document.addEventListener("visibilitychange", onVisibility);
  begin();
  return { close };
}

/**
 * One of the places for streams that all tabs share: a function that gives it back, or null while all are taken. Without
 * the Web Locks API (a page over plain HTTP from another machine) each tab has its own.
 */
function freeSlot() {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    const ask = (n) => {
      if (n === STREAMS) return resolve(null);
      return navigator.locks.request(`stream-${n}`, { ifAvailable: true }, (lock) => {
        if (!lock) return void ask(n + 1);
        return new Promise((release) => resolve(release));
      });
    };
    ask(0);
  });
}
