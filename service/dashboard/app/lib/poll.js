// Polling while the page is visible.

/**
 * Calls `task` at once, and again `seconds` after each end, but not while the page is hidden. Errors go to `failed` and do
 * not stop the polling.
 */
export function poll(seconds, task, failed = undefined) {
  let timer = null;
  let busy = false;
  let over = false;

  async function turn() {
    clearTimeout(timer);
    if (over || busy || document.hidden) return;
    busy = true;
    try {
      await task();
    } catch (error) {
      if (!over) failed?.(error);
    }
    busy = false;
    if (!over) timer = setTimeout(turn, 1000 * seconds);
  }

  function stop() {
    over = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", turn);
  }

  document.addEventListener("visibilitychange", turn);
  turn();
  return { stop, now: turn };
}
