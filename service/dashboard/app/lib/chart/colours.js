// The colours of charts, from the page's style sheet. Eight series differ in colour; further ones in their dashes too.

const COUNT = 8;
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/** The page's current colours for a chart; read them again after `themechange`. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    text: read("--text"),
    muted: read("--muted"),
    line: read("--line"),
    paper: read("--raised"),
    font: style.fontFamily,
    series: Array.from({ length: COUNT }, (_, n) => read(`--series-${n + 1}`)),
  };
}

/** The name of a series' colour in the style sheet, for the n-th series from 0. */
export const colourName = (n) => `--series-${(n % COUNT) + 1}`;

/** The colour and the dashes of the n-th series from 0. Lines are told apart without colour, too, from the second one on. */
export function look(n, colours) {
  const round = Math.floor(n / COUNT);
  return { color: colours.series[n % COUNT], dash: DASHES[((n ? (n % 3) + 1 : 0) + round) % DASHES.length] };
}
