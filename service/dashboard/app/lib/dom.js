// Making elements. Text is always set as text: nothing that a person or a server wrote is read as HTML.

/**
 * An element: `el("a", {href: "#/jobs", class: "button", onclick: f}, "Jobs", other)`. Attributes that are null or
 * false are left out, true ones are set bare, functions are listeners.
 */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key.replace(/^on/, ""), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Makes `old` look like `made`, and changes no more than has to: a place of the keyboard, and of scrolling, stays. */
export function renew(old, made) {
  if (old.isEqualNode(made)) return;
  const alike = old.cloneNode(false).isEqualNode(made.cloneNode(false)) && old.childNodes.length === made.childNodes.length;
  if (!alike) return void old.replaceWith(made);
  const fresh = [...made.childNodes];
  [...old.childNodes].forEach((child, n) => renew(child, fresh[n]));
}

/** What failed and how to mend it, from an error of `api.js` or any other. */
export function problemBox(error) {
  const faults = (error.faults ?? []).map((fault) =>
    el("li", {}, fault.pointer || fault.parameter ? el("code", {}, fault.pointer || fault.parameter) : null, " ", fault.detail),
  );
  return el(
    "div",
    { class: "problem", role: "alert" },
    el("strong", {}, error.title ?? "This page cannot be shown"),
    el("p", {}, error.message),
    faults.length ? el("ul", {}, faults) : null,
  );
}

/** What a page says while there is nothing to show, and what to do next. */
export function emptyState(title, ...advice) {
  return el("div", { class: "empty" }, el("h2", {}, title), ...advice);
}
