// Zoom of a chart: the part of its axes that is shown.

const MIN_SHARE = 1e-6;

/**
 * Keeps the ranges that the reader has chosen. Without a choice an axis shows all values, also those that come later.
 */
export class Zoom {
  /** @type {[number, number] | null} */
  x = null;
  /** @type {[number, number] | null} */
  y = null;

  get isOn() {
    return Boolean(this.x || this.y);
  }

  reset() {
    this.x = null;
    this.y = null;
  }

  /** Shows the shares [from, to] of the x axis that is shown now. @param {import("./scales.js").Scale} scale */
  toX(scale, from, to) {
    this.x = part(scale, from, to) ?? this.x;
  }

  toY(scale, from, to) {
    this.y = part(scale, from, to) ?? this.y;
  }

  /** Zooms the x axis in (`factor` above 1) or out about a share of it; never further out than `whole`. */
  about(scale, share, factor, whole) {
    const [from, to] = [share - share / factor, share + (1 - share) / factor];
    const wanted = part(scale, from, to);
    if (!wanted) return;
    const isAll = wanted[0] <= whole[0] && wanted[1] >= whole[1];
    this.x = isAll ? null : [Math.max(wanted[0], whole[0]), Math.min(wanted[1], whole[1])];
    if (isAll) this.y = null;
  }

  /** Moves the x axis by a share of what is shown, within `whole`. */
  pan(scale, share, whole) {
    if (!this.x) return;
    const wanted = part(scale, share, 1 + share);
    if (wanted && wanted[0] >= whole[0] && wanted[1] <= whole[1]) this.x = wanted;
  }
}

/**
 * The values at two shares of an axis; null if they are too close to tell apart.
 * @returns {[number, number] | null}
 */
function part(scale, from, to) {
  const [low, high] = [scale.value(Math.min(from, to)), scale.value(Math.max(from, to))];
  const size = Math.max(Math.abs(low), Math.abs(high), Number.MIN_VALUE);
  return high - low > MIN_SHARE * size ? [low, high] : null;
}
