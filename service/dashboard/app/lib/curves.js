// Series for plotly, from the epochs of the API.

/** An exponential moving average, corrected for its start: with `weight` 0 the values themselves. Gaps stay gaps. */
export function smoothed(values, weight) {
  if (!weight) return values;
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null || value === undefined) return null;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

/** A line; if it is smoothed, also the original values as a faint line behind it. */
export function lines({ name, x, y, color, dash = "solid", smoothing = 0, markers = true }) {
  const line = { name, x, y: smoothed(y, smoothing), type: "scatter", mode: markers && x.length < 60 ? "lines+markers" : "lines" };
  const shown = { ...line, line: { color, width: 2, dash }, marker: { color, size: x.length === 1 ? 9 : 5 }, connectgaps: false };
  if (!smoothing) return [shown];
  return [{ ...line, y, mode: "lines", line: { color, width: 1, dash }, opacity: 0.3, hoverinfo: "skip", showlegend: false }, shown];
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
