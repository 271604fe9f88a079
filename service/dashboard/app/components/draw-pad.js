// A pad to draw on with a mouse, a finger or a pen, or to drop a picture on.
import { el } from "../lib/dom.js";
import { grey } from "../lib/picture.js";

const SIZE = 280;
const PEN = 20;

/**
 * `<draw-pad>` draws white on black, like MNIST's digits. It dispatches `ink` after each change; `canvas` holds the
 * picture, and `empty` is true while nothing is drawn.
 */
class DrawPad extends HTMLElement {
  connectedCallback() {
    if (this.canvas) return;
    this.canvas = el("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": "Drawing pad: draw with a mouse, a finger or a pen" });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.append(this.canvas);
    this.wipe();
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => (this.last = null));
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0]) this.open(event.dataTransfer.files[0]);
    });
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.line(this.last, event);
  }

  go(event) {
    if (!this.last) return;
    // A fast stroke has several points within a frame; the browser keeps them.
    for (const step of event.getCoalescedEvents?.() ?? []) this.line(this.place(step), step);
    this.line(this.place(event), event);
  }

  line(to, event) {
    const { context } = this;
    context.strokeStyle = "#fff";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = event.pointerType === "pen" ? PEN * (0.5 + event.pressure) : PEN;
    context.beginPath();
    context.moveTo(...this.last);
    context.lineTo(...to);
    context.stroke();
    this.last = to;
    this.changed(false);
  }

  place(event) {
    const shown = this.canvas.getBoundingClientRect();
    return [((event.clientX - shown.left) * SIZE) / shown.width, ((event.clientY - shown.top) * SIZE) / shown.height];
  }

  wipe() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIZE, SIZE);
    this.changed(true);
  }

  /** Shows a picture file. Dark ink on light paper is inverted, because the pad is white on black. */
  async open(file) {
    let picture;
    try {
      picture = await createImageBitmap(file);
    } catch {
      this.dispatchEvent(new CustomEvent("refused", { detail: `${file.name} is not a picture that the browser can read.` }));
      return;
    }
    this.show(picture, { inverted: this.hasAttribute("ink") });
  }

  /** Shows a picture at the largest size that fits; `inverted` inverts dark ink on light paper. */
  show(picture, { inverted = false } = {}) {
    this.wipe();
    const scale = Math.min(SIZE / picture.width, SIZE / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    const [x, y] = [(SIZE - width) / 2, (SIZE - height) / 2];
    this.context.drawImage(picture, x, y, width, height);
    if (inverted && isLight(grey(this.canvas))) {
      this.context.globalCompositeOperation = "difference";
      this.context.fillStyle = "#fff";
      this.context.fillRect(x, y, width, height);
      this.context.globalCompositeOperation = "source-over";
    }
    this.changed(false);
  }

  changed(empty) {
    this.empty = empty;
    this.dispatchEvent(new CustomEvent("ink"));
  }
}

function isLight(pixels) {
  return pixels.reduce((sum, value) => sum + value, 0) > 127 * pixels.length;
}

customElements.define("draw-pad", DrawPad);
