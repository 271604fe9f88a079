// What a person may do with a job.
import { post, remove } from "../../lib/api.js";
import { el, problemBox } from "../../lib/dom.js";
import { visitPage } from "../../lib/router.js";
import { allowed } from "../../lib/states.js";
import { confirmed } from "../../components/confirm.js";
import { jobName } from "../../components/job-row.js";

/** Buttons for the job that `update` is given; `changed(job)` hears of the answer, `trouble` holds what failed. */
export function actions(id, changed) {
  const buttons = {
    pause: button("Pause", () => call("pause")),
    resume: button("Resume", () => call("resume"), "primary"),
    cancel: button("Cancel", () => call("cancel"), "danger"),
    retry: button("Retry", () => again(false), "primary"),
    "retry-from": button("Retry from checkpoint", () => again(true)),
    delete: button("Delete", erase, "danger"),
  };
  const tryIt = el("a", { class: "button primary", href: `#/try/${id}` }, "Try it");
  const clone = el("a", { class: "button", href: `#/new?from=${id}` }, "Clone and edit");
  const trouble = el("div", { hidden: true });
  const element = el("div", { class: "actions" }, tryIt, Object.values(buttons).slice(0, 5), clone, buttons.delete);
  let job = null;

  function button(name, onclick, kind = "") {
    return el("button", { type: "button", class: kind, hidden: true, onclick }, name);
  }

  function update(told) {
    job = told;
    const may = allowed(job);
    for (const [name, shown] of Object.entries({ ...may, "retry-from": may.retry && Boolean(job.checkpoint) })) {
      buttons[name].hidden = !shown;
    }
    tryIt.hidden = !job.artifacts.some((made) => made.variant === "trained");
  }

  async function attempt(work) {
    for (const each of Object.values(buttons)) each.disabled = true;
    trouble.hidden = true;
    try {
      await work();
    } catch (error) {
      trouble.replaceChildren(problemBox(error));
      trouble.hidden = false;
    }
    for (const each of Object.values(buttons)) each.disabled = false;
  }

  function call(what) {
    return attempt(async () => {
      changed(await post(`jobs/${id}/${what}`));
      // The button that was pressed may be gone, and with it the place of the keyboard.
      if (document.activeElement === document.body) element.querySelector("button:not([hidden])")?.focus();
    });
  }

  function again(fromCheckpoint) {
    return attempt(async () => {
      const made = await post(`jobs/${id}/retry`, { from_checkpoint: fromCheckpoint });
      visitPage(`/jobs/${made.id}`);
    });
  }

  async function erase() {
    const sure = await confirmed({
      title: `Delete ${jobName(job)}?`,
      text: "Its record, its metrics and its models go, and cannot be had back.",
      yes: "Delete",
    });
    if (!sure) return;
    await attempt(async () => {
      await remove(`jobs/${id}`);
      visitPage("/jobs");
    });
  }

  return { element, trouble, update };
}
