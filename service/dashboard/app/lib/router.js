// The page that is shown: the address after `#`, such as `#/jobs/job_1?tab=log`, names it.
import { onConnection, request } from "./api.js";
import { problemBox } from "./dom.js";

/**
 * A page is a module whose `show(main, parameters, query)` fills the element `main` and may return a function that stops
 * its timers and streams. `title` of the module is the window's title.
 */
export function start(main, routes) {
  let leave = null;
  let visit = 0;
  let retry = null; // what shows a page again that failed for want of a connection

  async function go() {
    const number = ++visit;
    retry = null;
    const [path, query = ""] = (location.hash.slice(1) || "/jobs").split("?");
    if (!path.startsWith("/")) return; // a place within the page, such as #main
    leave?.();
    leave = null;
    mark(path);
    const place = document.createElement("div");
    place.className = "page";
    main.replaceChildren(place);
    try {
      const matching = match(routes, path);
      if (!matching) throw new Error(`There is no page ${path}.`);
      const page = await loaded(matching.load);
      if (number !== visit) return;
      document.title = `${page.title} · Pippin`;
      const ended = await page.show(place, matching.parameters, new URLSearchParams(query));
      if (number === visit) leave = ended ?? null;
      else ended?.();
    } catch (error) {
      if (number === visit) {
        const again = error.isWhole ? () => location.reload() : go;
        retry = error.status === 0 ? again : null;
        place.replaceChildren(problemBox(error, again));
      }
    }
    if (number === visit) main.focus({ preventScroll: true });
  }

  addEventListener("hashchange", go);
  // A page that could not be loaded is loaded again as soon as the service answers.
  onConnection((isThere) => isThere && retry?.());
  return go();
}

/**
 * A page's module. Without a connection it cannot be loaded, and a browser may remember that; after an update of the service
 * its address is another one. The page is then loaded again as a whole.
 */
async function loaded(load) {
  try {
    return await load();
  } catch {
    try {
      await request("healthz");
    } catch (error) {
      throw Object.assign(error, { isWhole: true });
    }
    // If the new page is the same as this one, loading it again does not help.
    if (sessionStorage.getItem("reloaded") !== import.meta.url) {
      sessionStorage.setItem("reloaded", import.meta.url);
      location.reload();
    }
    throw new Error("A part of the page could not be loaded.");
  }
}

/** Opens another page, or another query of this one. */
export function visitPage(path, query = {}) {
  const text = new URLSearchParams(query).toString();
  location.hash = text ? `${path}?${text}` : path;
}

/**
 * Records a setting of the page in the address, without loading the page again, so that the address is a link to what is
 * shown. A null value removes it.
 */
export function keepInAddress(name, value) {
  const [path, text = ""] = location.hash.slice(1).split("?");
  const query = new URLSearchParams(text);
  if (value === null) query.delete(name);
  else query.set(name, value);
  history.replaceState(history.state, "", `#${path}${query.size ? `?${query}` : ""}`);
}

function match(routes, path) {
  for (const [pattern, load] of routes) {
    const names = pattern.split("/");
    const parts = path.split("/");
    if (names.length !== parts.length) continue;
    if (!names.every((name, n) => name.startsWith(":") || name === parts[n])) continue;
    const pairs = names.map((name, n) => [name.slice(1), decoded(parts[n])]);
    return { load, parameters: Object.fromEntries(pairs.filter((_, n) => names[n].startsWith(":"))) };
  }
  return null;
}

/** A part of an address; one with a wrong escape as it is, so that the service says that it knows no such id. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function mark(path) {
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("header nav a"))) {
    const here = path.split("/")[1] === link.hash.split("/")[1];
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
