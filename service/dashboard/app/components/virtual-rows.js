// The rows of a long table, of which only those exist that can be seen.
import { el } from "../lib/dom.js";

const AROUND = 12;

/** Keeps in `body` the rows of the items that `scroller` shows; all rows are equally high. */
export class VirtualRows {
  /**
   * `make(item)` gives `{row, fill(item)}` with a new `<tr>`; items are told apart by their `id`. `moved` is called
   * when other rows have come into sight.
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

  /** Shows other items. What is in sight stays where it is, whatever has come above it. */
  update(items) {
    const top = Math.floor(this.scroller.scrollTop / this.height);
    const anchor = top > 0 ? this.items[top] : null;
    const place = anchor ? items.findIndex((item) => item.id === anchor.id) : -1;
    this.items = items;
    if (place >= 0 && place !== top) {
      // Room first, for the place to be there.
      this.draw();
      this.scroller.scrollTop += (place - top) * this.height;
    }
    this.draw();
  }

  /** The items in sight, and a few around them. */
  get visible() {
    return this.items.slice(this.first, this.last);
  }

  /** What `make` gave for the rows that exist. */
  get made() {
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

  /** A row with the focus is kept, or the keyboard would lose its place. */
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
      const made = this.rows.get(item.id) ?? this.make(item);
      if (made.item !== item) made.fill(item);
      made.item = item;
      made.row.dataset.id = item.id;
      made.row.setAttribute("aria-rowindex", place + 2);
      kept.set(item.id, made);
      wanted.push(made.row);
      next = place + 1;
    }
    if (next < this.items.length) wanted.push(this.#gap(this.items.length - next));
    this.rows = kept;
    // Rows that stay are never taken out, not even for a moment: that would cost them the focus.
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
