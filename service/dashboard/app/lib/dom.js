// Creates elements. Text is always set as text: no text of a reader or a server is parsed as HTML.

/**
 * An element: `el("a", {href: "#/jobs", class: "button", onclick: f}, "Jobs", other)`. Attributes that are null or
 * false are left out, true ones are set bare, functions are listeners.
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "style") element.style.cssText = value; // the page's policy allows no style attributes
    else if (typeof value === "function") element.addEventListener(key.replace(/^on/, ""), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Makes `old` equal to `wanted` with the fewest changes, so that the focus and scroll positions stay. */
export function renew(old, wanted) {
  if (old.isEqualNode(wanted)) return;
  const alike = old.cloneNode(false).isEqualNode(wanted.cloneNode(false)) && old.childNodes.length === wanted.childNodes.length;
  if (!alike) return void old.replaceWith(wanted);
  const fresh = [...wanted.childNodes];
  [...old.childNodes].forEach((child, n) => renew(child, fresh[n]));
}

/** A box with an error of `api.js` or any other error; with `retry` it has a button that calls it. */
export function problemBox(error, retry = null) {
  const faults = (error.faults ?? []).map((fault) =>
    el("li", {}, fault.pointer || fault.parameter ? el("code", {}, fault.pointer || fault.parameter) : null, " ", fault.detail),
  );
  return el(
    "div",
    { class: "problem", role: "alert" },
    el("strong", {}, error.title ?? "This page cannot be shown"),
    el("p", {}, error.message),
    faults.length ? el("ul", {}, faults) : null,
    retry ? el("p", {}, el("button", { type: "button", onclick: retry }, "Try again")) : null,
  );
}

/** A text for a page without content, with advice. */
export function emptyState(title, ...advice) {
  return el("div", { class: "empty" }, el("h2", {}, title), ...advice);
}
