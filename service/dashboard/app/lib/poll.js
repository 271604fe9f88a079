// Asking again and again, as long as somebody looks.

/**
 * Calls `task` at once and then `seconds` after each time that it has ended, but not while the page is hidden.
 * What it throws goes to `failed`; the next turn comes all the same.
 */
export function poll(seconds, task, failed = () => {}) {
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
      if (!over) failed(error);
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
