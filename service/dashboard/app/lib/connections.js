// The connections between the blocks of a network that are drawn one below the other.

/**
 * The connections between blocks `{reads, makes}`, which name blobs, in their order.
 *
 * `follows` has the rows that read an output of the row directly above. Other connections (branches, bypasses) use a lane
 * beside the blocks: `rows` are its first row and the rows where it ends, `place` counts from the blocks outwards. Lanes
 * with a row in common have different places. `width` is the number of places.
 */
export function connections(blocks) {
  const maker = new Map();
  const follows = new Set();
  const ways = new Map();
  blocks.forEach(({ reads, makes }, row) => {
    for (const name of reads) {
      const from = maker.get(name);
      if (from === undefined) continue;
      if (from === row - 1) follows.add(row);
      else ways.set(from, [...(ways.get(from) ?? []), row]);
    }
    // A later block may reuse a name: from here on it is the output of this block.
    for (const name of makes) maker.set(name, row);
  });
  const lanes = [...ways].map(([from, to]) => ({ rows: [from, ...new Set(to)], place: 0 }));
  // Short lanes are inside, so that few lines cross.
  lanes.sort((one, other) => length(one) - length(other));
  lanes.forEach((lane, n) => {
    const beside = new Set(lanes.slice(0, n).filter((other) => meet(lane, other)).map(({ place }) => place));
    while (beside.has(lane.place)) lane.place += 1;
  });
  return { follows, lanes, width: Math.max(0, ...lanes.map(({ place }) => place + 1)) };
}

function length({ rows }) {
  return rows.at(-1) - rows[0];
}

function meet(one, other) {
  return one.rows[0] <= other.rows.at(-1) && other.rows[0] <= one.rows.at(-1);
}
