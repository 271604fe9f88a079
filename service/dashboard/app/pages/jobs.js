// All jobs: a live table with filters, an order and endless scrolling, whose selected jobs are compared, cancelled or deleted.
import { problemBox, el, emptyState } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { JobList, SORTABLE } from "../lib/job-list.js";
import { poll } from "../lib/poll.js";
import { visitPage } from "../lib/router.js";
import { may, session } from "../lib/session.js";
import { STATES } from "../lib/states.js";
import { stylesheet } from "../lib/stylesheet.js";
import { bulkActions } from "../components/bulk-actions.js";
import { COLUMNS, jobRow } from "../components/job-row.js";
import { VirtualRows } from "../components/virtual-rows.js";

export const title = "Jobs";

const EVERY = 2;
const AHEAD = 40;

export async function show(main, _parameters, query) {
  const [principal] = await Promise.all([session(), stylesheet(new URL("./jobs.css", import.meta.url))]);
  // The browser keeps these with the address, for when the reader comes back to it.
  const { scrollTop: keptScroll = 0, chosen: keptChoice = [] } = history.state ?? {};
  const chosen = new Set(keptChoice);
  let sort = sortIn(query.get("sort"));
  let list = null;
  let loading = false;
  let problem = null;

  const state = el("select", { name: "status", onchange: filter }, [
    el("option", { value: "" }, "All states"),
    STATES.map((name) => el("option", { value: name }, name)),
  ]);
  const known = el("datalist", { id: "known-labels" });
  const label = el("input", { name: "label", type: "text", placeholder: "team=vision", list: "known-labels", autocomplete: "off", oninput: filterSoon });
  const text = el("input", { name: "text", type: "search", placeholder: "Name, id, model, dataset, worker …", oninput: filterSoon });
  state.value = query.get("status") ?? "";
  label.value = query.getAll("label").join(" ");
  text.value = query.get("text") ?? "";

  const total = el("span", { class: "muted", role: "status" });
  const compare = el("button", { type: "button", disabled: true, onclick: () => visitPage("/compare", { jobs: [...chosen].join(",") }) }, "Compare");
  const clear = el("button", { type: "button", class: "plain", hidden: true, onclick: clearChoice }, "Clear selection");
  const bulk = bulkActions(() => list.jobs.filter((job) => chosen.has(job.id)), (gone) => {
    for (const id of gone) choose(id, false);
    refresh().catch(fail);
  });
  const body = el("tbody");
  const table = el("table", { "aria-label": "Jobs, newest first" }, [
    el("colgroup", {}, COLUMNS.map(([name]) => el("col", { class: `c-${name}` }))),
    el("thead", {}, el("tr", { "aria-rowindex": 1 }, COLUMNS.map(([name, text_, kind]) => heading(name, text_, kind)))),
    body,
  ]);
  const scroller = el("div", { class: "card jobs-table", tabindex: 0, role: "region", "aria-label": "Table of jobs" }, table);
  const below = el("div");
  main.append(
    el("div", { class: "head" }, el("h1", {}, "Jobs"), total, el("div", { class: "actions" }, clear, may(principal, "submit") ? bulk.buttons : null, compare)),
    bulk.messages,
    el("form", { class: "jobs-filter", role: "search", onsubmit: (event) => event.preventDefault() }, [
      el("label", {}, "State", state),
      el("label", {}, "Label", label, known),
      el("label", { class: "grow" }, "Search", text),
    ]),
    scroller,
    below,
  );

  const selection = { has: (id) => chosen.has(id), set: choose };
  const make = () => jobRow(selection);
  const rows = new VirtualRows(scroller, body, make, fetchAhead);
  const turns = poll(EVERY, refresh, fail);
  const clock = setInterval(() => rows.handles.forEach((row) => row.tick()), 1000);
  let typing = null;
  let keeping = null;
  scroller.addEventListener("scroll", keepSoon, { passive: true });
  showChoice();
  await begin(keptScroll);

  function heading(name, text_, kind) {
    const isSortable = SORTABLE.includes(name);
    const content = isSortable ? el("button", { type: "button", title: `Sort by ${text_.toLowerCase()}`, onclick: () => sortBy(name) }, text_) : el("span", { class: "unseen" }, "Select");
    return el("th", { scope: "col", class: kind, "data-name": name }, content);
  }

  /** Sorts by a column: first the largest or latest first, or from A; then the other way round; then the newest first. */
  function sortBy(column) {
    const isFirstDescending = !["job", "state", "model", "dataset", "engine", "worker"].includes(column);
    if (sort?.column !== column) sort = { column, isDescending: isFirstDescending };
    else sort = sort.isDescending === isFirstDescending ? { column, isDescending: !isFirstDescending } : null;
    list.sort = sort;
    keepFilter();
    draw();
    scroller.scrollTop = 0;
    fetchAhead();
  }

  function showOrder() {
    for (const head of table.querySelectorAll("th")) {
      const mine = sort?.column === head.dataset.name;
      if (mine) head.setAttribute("aria-sort", sort.isDescending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      const button = head.querySelector("button");
      if (button) button.textContent = COLUMNS.find(([name]) => name === head.dataset.name)[1] + (mine ? (sort.isDescending ? " ↓" : " ↑") : "");
    }
  }

  /** Starts again with the filter in the fields. */
  async function begin(scrollTop = 0) {
    list = new JobList({ status: state.value, labels: labels(), text: text.value, sort });
    const mine = list;
    try {
      do await mine.more();
      while (mine === list && scrollTop && mine.needs(scrollTop / rows.height + AHEAD));
      problem = null;
    } catch (error) {
      problem = error;
    }
    if (mine !== list) return;
    draw();
    scroller.scrollTop = scrollTop;
    fetchAhead();
  }

  async function refresh() {
    const mine = list;
    if (problem) return begin();
    if (!mine?.begun) return;
    await mine.refresh(rows.visible);
    if (mine === list) draw();
  }

  /** Keeps the table: the header of the page shows that the connection is lost. */
  function fail(error) {
    if (error.status) problem = error;
    draw();
  }

  /** Fetches pages while the end of the fetched jobs is near. */
  async function fetchAhead() {
    const mine = list;
    if (!mine?.begun || loading || problem || !mine.needs(rows.last + AHEAD)) return;
    loading = true;
    try {
      await mine.more();
    } catch (error) {
      fail(error);
      return;
    } finally {
      loading = false;
    }
    if (mine === list) draw();
    fetchAhead();
  }

  function draw() {
    const shown = list.shown;
    rows.update(shown);
    showOrder();
    table.setAttribute("aria-rowcount", list.complete ? shown.length + 1 : -1);
    const number = list.total ?? shown.length;
    const words = `${count(number)} ${number === 1 ? "job" : "jobs"}${list.complete || list.total !== null ? "" : " so far"}${sort && !list.complete ? `, the newest ${count(shown.length)} sorted` : ""}`;
    if (total.textContent !== words) total.textContent = words;
    scroller.hidden = !shown.length;
    total.hidden = !shown.length;
    below.replaceChildren(...(problem ? [problemBox(problem)] : shown.length ? [] : [nothing()]));
    const pairs = new Set(list.jobs.flatMap((job) => Object.entries(job.labels).map((pair) => pair.join("="))));
    if (pairs.size !== known.children.length) known.replaceChildren(...[...pairs].sort().map((pair) => el("option", { value: pair })));
  }

  function nothing() {
    if (!list.complete) return el("p", { class: "muted" }, "Loading …");
    if (filtered()) {
      const all = el("button", { type: "button", onclick: showAll }, "Show all jobs");
      return emptyState("No job matches", el("p", {}, "No job has this state, these labels and this text."), all);
    }
    return emptyState(
      "No jobs yet",
      el("p", {}, "A job trains a model on a dataset. You can start with the packaged digits."),
      el("p", {}, el("a", { class: "button primary", href: "#/new" }, "New job")),
      el("p", {}, "Or from a terminal: ", el("code", {}, "pippin demo")),
    );
  }

  function labels() {
    return label.value.split(/\s+/).filter(Boolean);
  }

  function filtered() {
    return Boolean(state.value || label.value.trim() || text.value.trim());
  }

  function showAll() {
    state.value = label.value = text.value = "";
    text.focus();
    filter();
  }

  function filterSoon() {
    clearTimeout(typing);
    typing = setTimeout(filter, 250);
  }

  function filter() {
    const faulty = labels().some((pair) => !/^[^=]+=/.test(pair));
    label.setCustomValidity(faulty ? "Give a label as key=value." : "");
    if (faulty) return void label.setAttribute("aria-invalid", "true");
    label.removeAttribute("aria-invalid");
    keepFilter();
    begin();
  }

  /** Records filter and order in the address without loading the page again, so that the focus stays. */
  function keepFilter() {
    const kept = new URLSearchParams();
    if (state.value) kept.set("status", state.value);
    for (const pair of labels()) kept.append("label", pair);
    if (text.value.trim()) kept.set("text", text.value.trim());
    if (sort) kept.set("sort", `${sort.isDescending ? "-" : ""}${sort.column}`);
    history.replaceState(history.state, "", `#/jobs${kept.size ? `?${kept}` : ""}`);
  }

  function keepSoon() {
    clearTimeout(keeping);
    keeping = setTimeout(() => history.replaceState({ ...history.state, scrollTop: scroller.scrollTop, chosen: [...chosen] }, ""), 100);
  }

  function choose(id, wanted) {
    if (wanted) chosen.add(id);
    else chosen.delete(id);
    keepSoon();
    showChoice();
  }

  function showChoice() {
    compare.disabled = chosen.size < 2;
    compare.textContent = chosen.size ? `Compare ${chosen.size}` : "Compare";
    compare.classList.toggle("primary", chosen.size >= 2);
    clear.hidden = !chosen.size;
    bulk.update(chosen.size);
  }

  function clearChoice() {
    for (const id of [...chosen]) choose(id, false);
    for (const row of rows.handles) row.fill(row.item);
    scroller.focus();
  }

  return () => {
    turns.stop();
    rows.end();
    clearInterval(clock);
    clearTimeout(typing);
    clearTimeout(keeping);
    list = null;
  };
}

/** The order that the address names: `loss`, or `-loss` for descending. */
function sortIn(text) {
  const column = (text ?? "").replace(/^-/, "");
  return SORTABLE.includes(column) ? { column, isDescending: text.startsWith("-") } : null;
}
