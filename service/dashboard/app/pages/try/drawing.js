// A drawing pad, the picture that the model receives, and its prediction, live.
import "../../components/draw-pad.js";
import { answerBars, REQUESTED_CLASSES } from "../../components/answer-bars.js";
import { request } from "../../lib/api.js";
import { el, problemBox } from "../../lib/dom.js";
import { blank, centred, paint, png, resized } from "../../lib/picture.js";

const PAUSE = 80;

/** The part of the page for a model of pictures; `take` shows an example's picture on the pad. */
export function drawing(job, input) {
  const [channels, height, width] = input.shape;
  const pad = el("draw-pad", { ink: channels === 1 });
  const centre = el("input", { type: "checkbox", checked: channels === 1 });
  const seen = el("canvas", { class: "seen", role: "img", "aria-label": `What the model sees, ${width} by ${height} pixels`, width, height });
  const shown = seen.getContext("2d", { willReadFrequently: true });
  const answer = el("div", { class: "says" }, advice());
  let timer = null;
  let asked = 0;
  let kept = null;

  function look() {
    clearTimeout(timer);
    const picture = pad.empty ? blank(width, height) : kept ?? prepared();
    shown.drawImage(picture, 0, 0);
    if (pad.empty) {
      asked += 1;
      answer.replaceChildren(advice());
    } else timer = setTimeout(ask, PAUSE, picture);
  }

  const prepared = () => (centre.checked ? centred(pad.canvas, width, height) : resized(pad.canvas, {}, width, height));

  async function ask(picture) {
    const number = ++asked;
    try {
      // Sent as a picture, not as numbers, because the service knows the scale of the model's pixels.
      const options = { method: "POST", body: await png(picture), headers: { "content-type": "image/png" } };
      const prediction = await (await request(`jobs/${job.id}/predict?top=${REQUESTED_CLASSES}`, options)).json();
      if (number === asked) answer.replaceChildren(answerBars(prediction));
    } catch (error) {
      if (number === asked) answer.replaceChildren(problemBox(error));
    }
  }

  pad.addEventListener("ink", () => {
    kept = null;
    look();
  });
  pad.addEventListener("refused", (event) => answer.replaceChildren(problemBox({ title: "No picture", message: event.detail })));
  centre.addEventListener("change", () => {
    kept = null;
    look();
  });

  /** Shows a stored example without preparing it again. */
  function take(example, feature) {
    const picture = blank(width, height);
    paint(picture, example, feature.dtype === "uint8" ? 255 : 1);
    pad.show(picture);
    kept = picture;
    look();
    pad.scrollIntoView({ block: "center", behavior: "smooth" });
  }

  const choose = el("input", { type: "file", accept: "image/*", class: "unseen", onchange: () => choose.files[0] && pad.open(choose.files[0]) });
  const element = el("section", { class: "card trying", "aria-label": "Draw and see" }, [
    el("div", { class: "drawing" }, [
      el("h2", {}, "Draw here"),
      pad,
      el("div", { class: "tools" }, [
        el("button", { type: "button", onclick: () => pad.wipe() }, "Clear"),
        el("label", { class: "button" }, choose, "Open a picture"),
      ]),
      el("p", { class: "muted" }, "With a mouse, a finger or a pen; or drop a picture on it."),
    ]),
    el("div", { class: "seeing" }, [
      el("h2", {}, "The model sees"),
      seen,
      el("label", { class: "check" }, centre, "Centre it, as MNIST's digits are"),
      el("p", { class: "muted" }, `${width} × ${height}${channels === 1 ? ", grey" : ""}. ${explained(channels, width)}`),
    ]),
    el("div", { class: "saying" }, el("h2", {}, "Prediction"), answer),
  ]);
  return { element, take };
}

function explained(channels, width) {
  const side = Math.round((20 * width) / 28);
  return channels === 1 ? `Centred: fitted into ${side} × ${side}, with its centre of mass in the middle.` : "In colour.";
}

function advice() {
  return el("p", { class: "muted" }, "Draw something to see the probabilities.");
}
