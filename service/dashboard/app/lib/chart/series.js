// The values that charts show: smoothing, positions of mini-batches, the values of a range.

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {ArrayLike<number>} x in ascending order
 * @property {ArrayLike<number | null>} y null where there is no value: the line has a gap
 * @property {number} [place] its place in the order of colours; by default its place in the chart
 * @property {string} [color]
 * @property {number[]} [dash] lengths of strokes and gaps, in pixels
 * @property {ArrayLike<number | null>} [faint] other values, drawn pale behind the line
 * @property {boolean} [points] whether each value has a dot
 * @property {{x: number, y: number, text: string}} [mark] a value to point out
 */

/** An exponential moving average, corrected for its start: with `weight` 0 the values themselves. Gaps stay gaps. */
export function smoothed(values, weight) {
  if (!weight) return values;
  let sum = 0;
  let total = 0;
  return Array.from(values, (value) => {
    if (value === null || value === undefined) return null;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

const MAX_DOTS = 60;

/** A series of these values; if it is smoothed, with the original values behind it. @returns {Series} */
export function line({ name, x, y, smoothing = 0, dots = true, ...others }) {
  const faint = smoothing ? y : undefined;
  return { ...others, name, x, y: smoothed(y, smoothing), faint, points: dots && x.length < MAX_DOTS };
}

/** The losses of mini-batches on the axis of epochs: those of epoch n are between n-1 and n. */
export function batchPoints(losses) {
  const x = [];
  const y = [];
  for (const [epoch, values] of [...losses].sort(([a], [b]) => a - b)) {
    values.forEach((value, n) => {
      x.push(epoch - 1 + (n + 1) / values.length);
      y.push(value);
    });
  }
  return { x, y };
}

/** The index of the first value that is not less than `wanted`, in ascending values. */
export function firstAtLeast(values, wanted) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the value nearest to `wanted`, in ascending values; -1 without values. */
export function nearest(values, wanted) {
  const after = firstAtLeast(values, wanted);
  if (after === values.length) return after - 1;
  return after && wanted - values[after - 1] < values[after] - wanted ? after - 1 : after;
}

const isShown = (value, log) => Number.isFinite(value) && (!log || value > 0);

/**
 * The least and the greatest x and y of all series, of values in the range `xs` of x if it is given.
 * @param {Series[]} series
 * @param {{log?: boolean, xs?: [number, number]}} [how]
 */
export function extents(series, { log = false, xs } = {}) {
  const all = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
  const widen = (extent, value) => {
    if (value < extent[0]) extent[0] = value;
    if (value > extent[1]) extent[1] = value;
  };
  for (const { x, y, faint } of series) {
    if (!x.length) continue;
    widen(all.x, x[0]);
    widen(all.x, x[x.length - 1]);
    const [from, to] = xs ? [firstAtLeast(x, xs[0]), firstAtLeast(x, xs[1] + 1e-9)] : [0, x.length];
    for (const values of faint ? [y, faint] : [y]) {
      for (let n = from; n < to; n += 1) if (isShown(values[n], log)) widen(all.y, values[n]);
    }
  }
  const known = (extent) => (extent[0] <= extent[1] ? extent : []);
  return { x: known(all.x), y: known(all.y) };
}

/**
 * The line to draw, as points in pixels, `null` at gaps. Where more than four values share a column of pixels, the first,
 * the least, the greatest and the last of the column stand for all: the picture is the same.
 */
export function drawnPoints({ x, y }, toX, toY, range, log) {
  const [low, high] = range;
  const points = [];
  // One value on either side leads the line to the edges of the chart.
  const from = Math.max(0, firstAtLeast(x, low) - 1);
  const to = Math.min(x.length, firstAtLeast(x, high) + 1);
  const dense = to - from > 4 * Math.abs(toX(high) - toX(low));
  /** @type {{place: number, first: number, least: number, greatest: number, last: number} | null} */
  let column = null;
  const flush = () => {
    if (!column) return;
    const { place, first, least, greatest, last } = column;
    const ordered = [...new Set([first, ...(least < greatest ? [least, greatest] : [greatest, least]), last])];
    for (const n of ordered) points.push([place, toY(y[n])]);
    column = null;
  };
  for (let n = from; n < to; n += 1) {
    if (!isShown(y[n], log)) {
      flush();
      if (points.length && points.at(-1)) points.push(null);
    } else if (!dense) {
      points.push([toX(x[n]), toY(y[n])]);
    } else {
      const place = Math.round(toX(x[n]));
      if (column?.place !== place) {
        flush();
        column = { place, first: n, least: n, greatest: n, last: n };
      }
      if (y[n] < y[column.least]) column.least = n;
      if (y[n] > y[column.greatest]) column.greatest = n;
      column.last = n;
    }
  }
  flush();
  return points;
}
