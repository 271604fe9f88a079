// Which page is shown: what stands behind the `#` of the address, as in `#/jobs/job_1?tab=log`.
import { problemBox } from "./dom.js";

/**
 * A page is a module whose `show(main, parameters, query)` fills the element `main` and may return a function that
 * ends what it has begun. `title` of the module names it in the window's title.
 */
export function start(main, routes) {
  let leave = null;
  let visit = 0;

  async function go() {
    const number = ++visit;
    const [path, query = ""] = (location.hash.slice(1) || "/jobs").split("?");
    if (!path.startsWith("/")) return; // a place within the page, such as #main
    const found = match(routes, path);
    leave?.();
    leave = null;
    mark(path);
    const place = document.createElement("div");
    place.className = "page";
    main.replaceChildren(place);
    try {
      if (!found) throw new Error(`There is no page ${path}.`);
      const page = await found.load();
      if (number !== visit) return;
      document.title = `${page.title} · Pippin`;
      const ended = await page.show(place, found.parameters, new URLSearchParams(query));
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

/** Another page, or another query of this one. */
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
