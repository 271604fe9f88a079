// A long table that creates only its visible rows.
import { el } from "../lib/dom.js";

const AROUND = 12;

/** Keeps the rows of the items that `scroller` shows in `body`; all rows have the same height. */
export class VirtualRows {
  /**
   * `make(item)` returns `{row, fill(item)}` with a new `<tr>`; items are identified by `id`. `moved` is called after the
   * visible rows have changed.
   */
  constructor(scroller, body, make, moved) {
    this.scroller = scroller;
    this.body = body;
    this.make = make;
    this.items = [];
    this.rows = new Map();
    this.height = 52;
    this.first = 0;
    this.last = 0;
    let asked = false;
    const soon = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        this.draw();
        moved();
      });
    };
    scroller.addEventListener("scroll", soon, { passive: true });
    this.observer = new ResizeObserver(soon);
    this.observer.observe(scroller);
  }

  /** Shows other items. Visible rows keep their position when rows are added above them. */
  update(items) {
    const top = Math.floor(this.scroller.scrollTop / this.height);
    const anchor = top > 0 ? this.items[top] : null;
    const place = anchor ? items.findIndex((item) => item.id === anchor.id) : -1;
    this.items = items;
    if (place >= 0 && place !== top) {
      // The table must have its new height before it can scroll there.
      this.draw();
      this.scroller.scrollTop += (place - top) * this.height;
    }
    this.draw();
  }

  /** The visible items, and a few around them. */
  get visible() {
    return this.items.slice(this.first, this.last);
  }

  /** The results of `make` for the existing rows. */
  get handles() {
    return [...this.rows.values()];
  }

  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    this.first = Math.max(0, Math.floor(scrollTop / this.height) - AROUND);
    this.last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / this.height) + AROUND);
    const places = Array.from({ length: Math.max(0, this.last - this.first) }, (_, n) => this.first + n);
    const focused = this.#focused();
    if (focused >= 0 && (focused < this.first || focused >= this.last)) places.push(focused);
    places.sort((a, b) => a - b);
    this.#put(places);
    const height = this.rows.size ? this.rows.values().next().value.row.getBoundingClientRect().height : 0;
    if (height && Math.abs(height - this.height) > 0.5) {
      this.height = height;
      this.draw();
    }
  }

  end() {
    this.observer.disconnect();
  }

  /** The index of the row with the focus, which must not be removed, else -1. */
  #focused() {
    const id = document.activeElement?.closest("tr")?.dataset.id;
    return id && this.rows.has(id) ? this.items.findIndex((item) => item.id === id) : -1;
  }

  #put(places) {
    const kept = new Map();
    const wanted = [];
    let next = 0;
    for (const place of places) {
      if (place > next) wanted.push(this.#gap(place - next));
      const item = this.items[place];
      const handle = this.rows.get(item.id) ?? this.make(item);
      if (handle.item !== item) handle.fill(item);
      handle.item = item;
      handle.row.dataset.id = item.id;
      handle.row.setAttribute("aria-rowindex", place + 2);
      kept.set(item.id, handle);
      wanted.push(handle.row);
      next = place + 1;
    }
    if (next < this.items.length) wanted.push(this.#gap(this.items.length - next));
    this.rows = kept;
    // Rows that stay are never removed, not even for a moment: they would lose the focus.
    const stay = new Set(wanted);
    for (const row of [...this.body.children]) if (!stay.has(row)) row.remove();
    let at = this.body.firstChild;
    for (const row of wanted) {
      if (row === at) at = at.nextSibling;
      else this.body.insertBefore(row, at);
    }
  }

  #gap(rows) {
    return el("tr", { class: "gap", "aria-hidden": "true" }, el("td", { style: `height: ${rows * this.height}px` }));
  }
}
