// The page that is shown: the address after `#`, such as `#/jobs/job_1?tab=log`, names it.
import { problemBox } from "./dom.js";

/**
 * A page is a module whose `show(main, parameters, query)` fills the element `main` and may return a function that stops
 * its timers and streams. `title` of the module is the window's title.
 */
export function start(main, routes) {
  let leave = null;
  let visit = 0;

  async function go() {
    const number = ++visit;
    const [path, query = ""] = (location.hash.slice(1) || "/jobs").split("?");
    if (!path.startsWith("/")) return; // a place within the page, such as #main
    const matching = match(routes, path);
    leave?.();
    leave = null;
    mark(path);
    const place = document.createElement("div");
    place.className = "page";
    main.replaceChildren(place);
    try {
      if (!matching) throw new Error(`There is no page ${path}.`);
      const page = await matching.load();
      if (number !== visit) return;
      document.title = `${page.title} · Pippin`;
      const ended = await page.show(place, matching.parameters, new URLSearchParams(query));
      if (number === visit) leave = ended ?? null;
      else ended?.();
    } catch (error) {
      if (number === visit) place.replaceChildren(problemBox(error));
    }
    if (number === visit) main.focus({ preventScroll: true });
  }

  addEventListener("hashchange", go);
  return go();
}

/** Opens another page, or another query of this one. */
export function visitPage(path, query = {}) {
  const text = new URLSearchParams(query).toString();
  location.hash = text ? `${path}?${text}` : path;
}

function match(routes, path) {
  for (const [pattern, load] of routes) {
    const names = pattern.split("/");
    const parts = path.split("/");
    if (names.length !== parts.length) continue;
    if (!names.every((name, n) => name.startsWith(":") || name === parts[n])) continue;
    const pairs = names.map((name, n) => [name.slice(1), decodeURIComponent(parts[n])]);
    return { load, parameters: Object.fromEntries(pairs.filter((_, n) => names[n].startsWith(":"))) };
  }
  return null;
}

function mark(path) {
  for (const link of document.querySelectorAll("header nav a")) {
    const here = path.split("/")[1] === link.hash.split("/")[1];
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
