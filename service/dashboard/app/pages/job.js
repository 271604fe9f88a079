// One job, live: its curves, history, files and actions.
import { get, onConnection } from "../lib/api.js";
import { el, problemBox, renew } from "../lib/dom.js";
import { count, duration, elapsed, figure, percent } from "../lib/format.js";
import { follow } from "../lib/follow.js";
import { may, session } from "../lib/session.js";
import { isFinal } from "../lib/states.js";
import { stylesheet } from "../lib/stylesheet.js";
import { jobName } from "../components/job-row.js";
import { progressBar } from "../components/progress-bar.js";
import { statusBadge } from "../components/status-badge.js";
import { actions } from "./job/actions.js";
import { curves } from "./job/curves.js";
import { commands, hyperparameters, isValidated, request } from "./job/facts.js";
import { checkpoints, models } from "./job/files.js";
import { attempts, transitions } from "./job/history.js";
import { eventLog } from "./job/log.js";

export const title = "Job";

export async function show(main, parameters, query) {
  const loadingStyles = stylesheet(new URL("./job.css", import.meta.url));
  const [first, principal] = await Promise.all([get(`jobs/${encodeURIComponent(parameters.id)}`), session(), loadingStyles]);
  const { id } = first;
  let job = first;
  let away = false;
  let timer = null;
  const charts = curves(id, query);
  const log = eventLog();
  const buttons = actions(id, update, may(principal, "submit"));
  const heading = el("h1");
  const state = el("span", { role: "status" });
  const messages = el("div", { class: "stack" });
  const summary = el("div", { class: "card summary" });
  const parts = Object.fromEntries(["models", "checkpoints", "attempts", "transitions"].map((name) => [name, el("div")]));
  main.append(
    el("div", { class: "head" }, heading, state, buttons.element),
    buttons.trouble,
    messages,
    summary,
    card("Models", parts.models),
    charts.element,
    card("Attempts", parts.attempts),
    el("div", { class: "grid" }, [
      card("Checkpoints", parts.checkpoints),
      card("State changes", parts.transitions),
      card("Hyperparameters", hyperparameters(job)),
      card("Request", request(job)),
    ]),
    log.element,
    commands(job, principal.token !== null),
  );
  update(job);

  const stream = follow(`jobs/${id}/events`, {
    state: handler("state", refreshSoon),
    epoch: handler("epoch", charts.add),
    checkpoint: handler("checkpoint", refreshSoon),
    artifact: handler("artifact", refreshSoon),
    log: handler("log", () => {}),
    end: refreshSoon,
  });
  const clock = setInterval(() => {
    if (isFinal(job)) return;
    showSummary();
    put("attempts", attempts(job));
    put("transitions", transitions(job));
  }, 1000);
  // A broken stream sends no events, and the job may be deleted when the service can be reached again.
  const forget = onConnection((there) => {
    if (there && away) refreshSoon();
    away = !there;
  });
  refreshCheckpoints();

  function card(name, ...content) {
    return el("section", { class: "card" }, el("h2", {}, name), content);
  }

  /** A handler for an event: adds it to the log, with the time at the beginning of its id, and calls `act`. */
  function handler(type, act) {
    return (data, eventId) => {
      log.add(type, data, Number(eventId.split("-")[0]));
      act(data, eventId);
      if (type !== "epoch" || data.epoch <= job.progress.epoch) return;
      update({ ...job, latest_metrics: data, progress: { epoch: data.epoch, epochs: data.epochs } });
    };
  }

  function refreshSoon() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 150);
  }

  async function refresh() {
    try {
      update(await get(`jobs/${id}`));
      await refreshCheckpoints();
    } catch (error) {
      if (error.status === 0) return;
      if (error.status === 404) end();
      messages.replaceChildren(problemBox(error));
    }
  }

  async function refreshCheckpoints() {
    try {
      put("checkpoints", checkpoints((await get(`jobs/${id}/checkpoints`)).data));
    } catch (error) {
      if (error.status) put("checkpoints", problemBox(error));
    }
  }

  function update(now) {
    job = now;
    heading.textContent = jobName(job);
    document.title = `${jobName(job)} · Pippin`;
    if (state.textContent !== job.status) state.replaceChildren(statusBadge(job.status));
    buttons.update(job);
    charts.update(job);
    messages.replaceChildren(...notices());
    messages.hidden = !messages.childElementCount;
    put("models", models(job));
    put("attempts", attempts(job));
    put("transitions", transitions(job));
    showSummary();
  }

  function put(name, content) {
    if (parts[name].firstChild) renew(parts[name].firstChild, content);
    else parts[name].append(content);
  }

  function notices() {
    const boxes = [];
    if (job.reason) {
      const isDiverged = job.reason.code === "diverged" && job.request.hyperparameters.learning_rate;
      boxes.push(el("div", { class: "problem" }, [
        el("strong", {}, job.reason.code.replaceAll("_", " ")),
        el("p", {}, job.reason.detail),
        isDiverged && may(principal, "submit") ? el("p", {}, el("a", { class: "button primary", href: `#/new?from=${id}&rate=0.1` }, "Clone with a tenth of the learning rate")) : null,
      ]));
    }
    if (job.waiting_for) boxes.push(el("div", { class: "card" }, `Waiting: ${job.waiting_for}`));
    if (job.notice) boxes.push(el("div", { class: "card" }, job.notice));
    return boxes;
  }

  function showSummary() {
    const { loss, validation_loss, validation_accuracy, examples_per_second: speed } = job.latest_metrics ?? {};
    const left = timeLeft();
    const figures = [
      ["Epochs", progressBar(job.progress)],
      ["Loss", figure(loss)],
      ...(isValidated(job) ? [["Validation loss", figure(validation_loss)], ["Accuracy", percent(validation_accuracy)]] : [["Validation", "none"]]),
      ["Examples a second", count(speed)],
      ["Duration", duration(elapsed(job))],
      left === null ? null : ["Left, about", duration(left)],
    ];
    summary.replaceChildren(...figures.filter(Boolean).map(([name, value]) => el("div", {}, el("span", { class: "muted" }, name), el("strong", {}, value))));
  }

  function timeLeft() {
    if (job.status !== "running" || !job.latest_metrics) return null;
    return (job.progress.epochs - job.progress.epoch) * job.latest_metrics.seconds || null;
  }

  function end() {
    stream.close();
    charts.end();
    forget();
    clearInterval(clock);
    clearTimeout(timer);
  }

  return end;
}
