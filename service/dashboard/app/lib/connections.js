// How the blocks of a network hang together, when they are drawn one below the other.

/**
 * What leads from block to block, of blocks `{reads, makes}` that name blobs, in their order.
 *
 * `follows` has the rows that read what the row right above makes. What else leads on, a branch or a bypass, goes in a
 * lane beside the blocks: `rows` are the row that it leaves and those that it enters, `place` counts from the blocks
 * outwards. Two lanes have the same place only where they meet in no row. `width` is the number of places.
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
    // A name may be used again: from here on it means what this block makes.
    for (const name of makes) maker.set(name, row);
  });
  const lanes = [...ways].map(([from, to]) => ({ rows: [from, ...new Set(to)], place: 0 }));
  // The short ones lie inside, so that a long one is crossed by few.
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
