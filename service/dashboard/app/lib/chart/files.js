// A chart as a file: its values as CSV, its picture as PNG.

/** The values of series as CSV (RFC 4180), one row for each series and x. */
export function csvOf(series, { x, y }) {
  const rows = [["series", x, y].map(cell).join(",")];
  for (const each of series) {
    const values = each.faint ?? each.y;
    for (let n = 0; n < each.x.length; n += 1) rows.push([cell(each.name), each.x[n], values[n] ?? ""].join(","));
  }
  return `${rows.join("\r\n")}\r\n`;
}

function cell(text) {
  // A spreadsheet would run a text that begins like a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Saves a file from memory. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A name of a file for a chart's label. */
export const fileName = (label, suffix) => `${label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "chart"}.${suffix}`;
