// Charts in words, for people who do not see them.
import { tickText } from "./scales.js";

/** A value as text: plain notation with four significant digits, or per cent. */
export function valueText(value, format) {
  if (!Number.isFinite(value)) return "–";
  if (format === "percent") return `${(100 * value).toFixed(2)} %`;
  if (value === 0) return "0";
  const digits = 3 - Math.floor(Math.log10(Math.abs(value)));
  return tickText(Number(value.toPrecision(4)), 10 ** -Math.max(0, trimmed(value, digits)), format);
}

/** The decimals of a value with four significant digits, without zeros at the end. */
function trimmed(value, digits) {
  const [, decimals = ""] = value.toFixed(Math.min(100, Math.max(0, digits))).split(".");
  return decimals.replace(/0+$/, "").length;
}

/**
 * One sentence for each series: where it begins and ends, and its least and greatest value.
 * @param {import("./series.js").Series[]} series
 * @param {string} x the title of the x axis
 * @param {{format?: string}} [how]
 */
export function summary(series, x, { format } = {}) {
  const sentences = series.map(({ name, x: places, y }) => {
    const shown = [];
    for (let n = 0; n < y.length; n += 1) if (Number.isFinite(y[n])) shown.push(n);
    if (!shown.length) return `${name}: no values.`;
    const least = shown.reduce((one, other) => (y[other] < y[one] ? other : one));
    const greatest = shown.reduce((one, other) => (y[other] > y[one] ? other : one));
    const say = (n) => `${valueText(y[n], format)} at ${x} ${valueText(places[n])}`;
    if (shown.length === 1) return `${name}: ${say(shown[0])}.`;
    return `${name}: from ${say(shown[0])} to ${say(shown.at(-1))}; lowest ${say(least)}, highest ${say(greatest)}.`;
  });
  return sentences.join(" ");
}
