// Actions on several jobs at once: cancel, delete.
import { post, remove } from "../lib/api.js";
import { el, problemBox } from "../lib/dom.js";
import { allowed } from "../lib/states.js";
import { confirmed } from "./confirm.js";

const AT_ONCE = 4;

/**
 * `buttons` and `messages` to place, and `update(count)` for the number of selected jobs. `selected()` returns the selected
 * jobs, `done(ids)` is called with those that the action has changed.
 */
export function bulkActions(selected, done) {
  const cancel = button("Cancel", "cancel", (job) => post(`jobs/${job.id}/cancel`), "Cancel them", "Their trainings stop. What was trained so far stays in their checkpoints.");
  const erase = button("Delete", "delete", (job) => remove(`jobs/${job.id}`), "Delete them", "This deletes their records, metrics and models permanently.");
  const messages = el("div", { role: "status", hidden: true });

  function button(word, action, act, yes, text) {
    return el("button", { type: "button", class: "danger", hidden: true, onclick: () => run(word, action, act, yes, text) }, word);
  }

  async function run(word, action, act, yes, text) {
    const jobs = selected();
    const fitting = jobs.filter((job) => allowed(job)[action]);
    const others = jobs.length - fitting.length;
    if (!fitting.length) return say(`None of the selected jobs can be ${word.toLowerCase()}${word.endsWith("e") ? "d" : "led"} in its state.`);
    const title = `${word} ${fitting.length} ${fitting.length === 1 ? "job" : "jobs"}?`;
    const rest = others ? ` ${others} other selected ${others === 1 ? "job is" : "jobs are"} left as ${others === 1 ? "it is" : "they are"}.` : "";
    if (!(await confirmed({ title, text: text + rest, yes }))) return undefined;
    const gone = [];
    const waiting = [...fitting];
    let failure = null;
    const work = async () => {
      for (let job = waiting.pop(); job; job = waiting.pop()) {
        try {
          await act(job);
          gone.push(job.id);
        } catch (error) {
          failure ??= error;
        }
        say(`${gone.length} of ${fitting.length} …`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    messages.hidden = !failure;
    if (failure) messages.replaceChildren(problemBox(failure));
    done(gone);
    return undefined;
  }

  function say(text) {
    messages.textContent = text;
    messages.hidden = false;
  }

  function update(count) {
    for (const each of [cancel, erase]) each.hidden = !count;
    if (!count) messages.hidden = true;
  }

  return { buttons: [cancel, erase], messages, update };
}
