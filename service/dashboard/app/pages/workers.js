// Workers: who trains, where, with what, and on what at this moment.
import { statusBadge } from "../components/status-badge.js";
import { get, post, remove } from "../lib/api.js";
import { el, emptyState, problemBox, renew } from "../lib/dom.js";
import { ago } from "../lib/format.js";
import { poll } from "../lib/poll.js";

export const title = "Workers";
const SECONDS = 2;

export async function show(main) {
  const place = el("div", { "aria-live": "polite" });
  const told = el("div", {});
  const names = new Map();
  let shown = null;
  main.append(el("div", { class: "head" }, el("h1", {}, "Workers")), told, place);

  async function look() {
    const { data } = await get("workers");
    await Promise.all(data.map(({ current_job: id }) => id && !names.has(id) && named(id)));
    const made = data.length ? el("div", { class: "grid" }, data.map(card)) : nobody();
    // Buttons keep the keyboard: nothing is made anew that looks as before.
    if (shown) renew(shown, made);
    else place.append(made);
    shown = place.firstElementChild;
  }

  async function named(id) {
    const job = await get(`jobs/${id}`).catch(() => null);
    names.set(id, job?.name ?? id);
  }

  function card(worker) {
    const { name, host, os, chip, engines, compute_units: units, state, current_job: job, started_at: since, last_heartbeat: heard } = worker;
    const facts = [
      ["Doing", job ? el("a", { href: `#/jobs/${job}` }, names.get(job) ?? job) : "nothing"],
      ["Machine", [host, os, chip].filter(Boolean).join(" · ")],
      ["Engines", engines.join(", ")],
      ["Computes on", units.map((unit) => unit.replaceAll("_", " ")).join(", ") || "–"],
      ["Up since", ago(since)],
      ["Last heard of", ago(heard)],
    ];
    const drains = state === "draining" || state === "drained";
    return el("section", { class: "card", "aria-label": `Worker ${name}` }, [
      el("div", { class: "head" }, [
        el("h2", { class: "mono" }, name),
        statusBadge(state),
        el("div", { class: "actions" }, el("button", { type: "button", "data-worker": name, "data-drains": drains }, drains ? "Let it work again" : "Drain")),
      ]),
      el("dl", { class: "facts" }, facts.map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])),
    ]);
  }

  place.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-worker]");
    if (!button) return;
    button.disabled = true;
    try {
      const path = `workers/${encodeURIComponent(button.dataset.worker)}/drain`;
      // Its job is trained to the end; a worker that has none is drained at once.
      await ("drains" in button.dataset ? remove(path) : post(path));
      told.replaceChildren();
    } catch (error) {
      told.replaceChildren(problemBox(error));
    }
    button.disabled = false;
    turns.now();
  });

  const turns = poll(SECONDS, look, (error) => told.replaceChildren(problemBox(error)));
  return turns.stop;
}

function nobody() {
  return emptyState("No worker is alive", el("p", {}, "Jobs wait until there is one. On this machine, or any other that reaches Valkey and the service:"), el("pre", {}, "pippin worker"));
}
