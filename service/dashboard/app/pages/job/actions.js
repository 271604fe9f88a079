// The buttons for the actions on a job.
import { post, remove } from "../../lib/api.js";
import { el, problemBox } from "../../lib/dom.js";
import { visitPage } from "../../lib/router.js";
import { allowed } from "../../lib/states.js";
import { confirmed } from "../../components/confirm.js";
import { jobName } from "../../components/job-row.js";

/**
 * Buttons for the job of `update`; `changed(job)` is called with the answer, `trouble` shows errors. Without `mayChange` only
 * what changes nothing is offered.
 */
export function actions(id, changed, mayChange) {
  const buttons = {
    pause: button("Pause", () => call("pause")),
    resume: button("Resume", () => call("resume"), "primary"),
    cancel: button("Cancel", () => call("cancel"), "danger"),
    retry: button("Retry", () => again(false), "primary"),
    "retry-from": button("Retry from checkpoint", () => again(true)),
    delete: button("Delete", erase, "danger"),
  };
  const tryIt = el("a", { class: "button primary", href: `#/try/${id}` }, "Try it");
  const clone = el("a", { class: "button", href: `#/new?from=${id}`, hidden: !mayChange }, "Clone and edit");
  const trouble = el("div", { hidden: true });
  const element = el("div", { class: "actions" }, tryIt, Object.values(buttons).slice(0, 5), clone, buttons.delete);
  let job = null;

  function button(name, onclick, kind = "") {
    return el("button", { type: "button", class: kind, hidden: true, onclick }, name);
  }

  function update(current) {
    job = current;
    const may = allowed(job);
    for (const [name, shown] of Object.entries({ ...may, "retry-from": may.retry && Boolean(job.checkpoint) })) {
      buttons[name].hidden = !(shown && mayChange);
    }
    tryIt.hidden = !job.artifacts.some((artifact) => artifact.variant === "trained");
  }

  async function attempt(work) {
    const pressed = /** @type {HTMLElement} */ (document.activeElement);
    // Disabled buttons would lose the focus.
    element.inert = true;
    trouble.hidden = true;
    try {
      await work();
    } catch (error) {
      trouble.replaceChildren(problemBox(error));
      trouble.hidden = false;
    }
    element.inert = false;
    // The pressed button may be hidden now; then another one takes the focus.
    if (element.contains(pressed)) (pressed.hidden ? /** @type {HTMLElement} */ (element.querySelector("button:not([hidden])")) : pressed)?.focus();
  }

  function call(what) {
    return attempt(async () => changed(await post(`jobs/${id}/${what}`)));
  }

  function again(fromCheckpoint) {
    return attempt(async () => {
      const retried = await post(`jobs/${id}/retry`, { from_checkpoint: fromCheckpoint });
      visitPage(`/jobs/${retried.id}`);
    });
  }

  async function erase() {
    const sure = await confirmed({
      title: `Delete ${jobName(job)}?`,
      text: "This deletes its record, its metrics and its models permanently.",
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
