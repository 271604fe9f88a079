// The workers: machine, engine, hardware and current job of each.
import { statusBadge } from "../components/status-badge.js";
import { get, post, remove } from "../lib/api.js";
import { el, emptyState, problemBox, renew } from "../lib/dom.js";
import { ago } from "../lib/format.js";
import { poll } from "../lib/poll.js";

export const title = "Workers";
const SECONDS = 2;

export async function show(main) {
  const place = el("div", { "aria-live": "polite" });
  const messages = el("div", {});
  const names = new Map();
  let shown = null;
  main.append(el("div", { class: "head" }, el("h1", {}, "Workers")), messages, place);

  async function refresh() {
    const { data } = await get("workers");
    await Promise.all(data.map(({ current_job: id }) => id && !names.has(id) && named(id)));
    const wanted = data.length ? el("div", { class: "grid" }, data.map(card)) : noWorkers();
    // Unchanged elements are kept, so that buttons keep the focus.
    if (shown) renew(shown, wanted);
    else place.append(wanted);
    shown = place.firstElementChild;
  }

  async function named(id) {
    const job = await get(`jobs/${id}`).catch(() => null);
    names.set(id, job?.name ?? id);
  }

  function card(worker) {
    const { name, host, os, chip, engines, compute_units: units, state, current_job: job, started_at: since, last_heartbeat: heartbeat } = worker;
    const facts = [
      ["Current job", job ? el("a", { href: `#/jobs/${job}` }, names.get(job) ?? job) : "none"],
      ["Machine", [host, os, chip].filter(Boolean).join(" · ")],
      ["Engines", engines.join(", ")],
      ["Computes on", units.map((unit) => unit.replaceAll("_", " ")).join(", ") || "–"],
      ["Up since", ago(since)],
      ["Last heartbeat", ago(heartbeat)],
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
      // The worker finishes its job; a worker without a job is drained at once.
      await ("drains" in button.dataset ? remove(path) : post(path));
      messages.replaceChildren();
    } catch (error) {
      messages.replaceChildren(problemBox(error));
    }
    button.disabled = false;
    turns.now();
  });

  const turns = poll(SECONDS, refresh, (error) => messages.replaceChildren(problemBox(error)));
  return turns.stop;
}

function noWorkers() {
  return emptyState("No worker is alive", el("p", {}, "Jobs wait for a worker. Start one on any machine that reaches Valkey and the service:"), el("pre", {}, "pippin worker"));
}
