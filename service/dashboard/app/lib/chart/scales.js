// Axes of charts: where a value is, where the ticks are, what they say.

const STEPS = [1, 2, 5, 10];
const DECADES_ALONE = 3;
const MAX_DECIMALS = 8;

/**
 * @typedef {object} Scale
 * @property {number} low the value at the start of the axis
 * @property {number} high the value at its end
 * @property {boolean} log whether equal distances are equal ratios
 * @property {(value: number) => number} at the share of the axis before a value: 0 at its start, 1 at its end
 * @property {(share: number) => number} value the value after a share of the axis
 */

/** @returns {Scale} */
export function linear(low, high) {
  const span = high - low;
  return { low, high, log: false, at: (value) => (value - low) / span, value: (share) => low + share * span };
}

/** An axis of positive values. @returns {Scale} */
export function logarithmic(low, high) {
  const start = Math.log10(low);
  const span = Math.log10(high) - start;
  return { low, high, log: true, at: (value) => (Math.log10(value) - start) / span, value: (share) => 10 ** (start + share * span) };
}

/**
 * The ticks of an axis, about `count` of them, as `{value, text}`.
 * @param {Scale} scale
 * @param {number} count
 * @param {{whole?: boolean, format?: string}} [how] `whole` for ticks at whole numbers only, `format: "percent"` for shares
 */
export function ticks(scale, count, how = {}) {
  const { whole = false, format } = how;
  const powers = scale.log ? logarithmicTicks(scale, count) : [];
  if (powers.length > 1) return powers.map((value) => ({ value, text: tickText(value, value, format) }));
  const values = linearTicks(scale.low, scale.high, count, whole);
  const step = values.length > 1 ? values[1] - values[0] : scale.high - scale.low;
  return values.map((value) => ({ value, text: tickText(value, step, format) }));
}

/** The distance of about `count` ticks on a span: 1, 2 or 5 times a power of ten. */
export function tickStep(span, count, whole = false) {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.find((each) => each * power >= rough * 0.999) * power;
  return whole ? Math.max(1, Math.round(step)) : step;
}

function linearTicks(low, high, count, whole) {
  const step = tickStep(high - low, count, whole);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => rounded((first + n) * step, step));
}

/** Powers of ten, and on a short axis also 2 and 5 times them; on a very short one there may be none. */
function logarithmicTicks({ low, high }, count) {
  const [start, end] = [Math.log10(low), Math.log10(high)];
  const factors = end - start < DECADES_ALONE ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((end - start) / Math.max(1, count)));
  const values = [];
  for (let power = Math.floor(start); power <= Math.ceil(end); power += 1) {
    if (power % every) continue;
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= low * 0.999999 && value <= high * 1.000001) values.push(value);
    }
  }
  return values;
}

/** Removes the error of a multiplication: 3 × 0.1 is 0.3. */
const rounded = (value, step) => Number(value.toFixed(Math.min(100, Math.max(0, 2 - Math.floor(Math.log10(step))))));

/** A value in plain notation, with the decimals that tell ticks at this distance apart. */
export function tickText(value, step, format) {
  if (format === "percent") return `${(100 * value).toFixed(decimals(100 * step))} %`;
  if (value !== 0 && Math.abs(value) < 10 ** -MAX_DECIMALS) return value.toExponential(0);
  return value.toLocaleString("en", { minimumFractionDigits: decimals(step), maximumFractionDigits: decimals(step) });
}

const decimals = (step) => Math.min(MAX_DECIMALS, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));

/**
 * The range of an axis for these values.
 * @param {number[]} extent the least and the greatest value; empty without values
 * @param {{log?: boolean, zero?: boolean, within?: [number, number]}} [how] `zero` for an axis from 0, `within` for bounds
 * @returns {[number, number]}
 */
export function range(extent, { log = false, zero = false, within } = {}) {
  if (!extent.length) return log ? [0.1, 1] : within ?? [0, 1];
  let [low, high] = extent;
  if (log) return low === high ? [low / 3, high * 3] : [low / (high / low) ** 0.04, high * (high / low) ** 0.04];
  if (zero) low = Math.min(0, low);
  if (low === high) {
    const margin = within ? 0.02 : Math.abs(low) / 2 || 1;
    [low, high] = [low - margin, high + margin];
  } else {
    const margin = 0.05 * (high - low);
    [low, high] = [zero && low === 0 ? 0 : low - margin, high + margin];
  }
  if (!within) return [low, high];
  // A line at the bound itself stays visible.
  const edge = 0.02 * (within[1] - within[0]);
  return [Math.max(low, within[0] - edge), Math.min(high, within[1] + edge)];
}
