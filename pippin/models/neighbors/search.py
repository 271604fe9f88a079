"""Which samples are nearest.

A linear index and a kd-tree are two ways to the same answer, since both searches are exact: so there is one search.
For every block of features and samples it takes two steps. One matrix product gives distances that are quick but
rounded; with a bound on the rounding they tell which few samples may be among the nearest. Only for these the distance
is computed as it is defined.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

BLOCK = 2**19
"""Most numbers in any one of the few arrays that a block needs at a time: 4 MiB each."""


@dataclass(frozen=True)
class Nearest:
    """The nearest samples of some of the features.

    Attributes:
        start: The first of these features; the others follow it.
        distances: [Q, k] squared Euclidean ones, the smallest first.
        places: [Q, k] the samples' indices. Of two at the same distance the one with the lower index comes first.
    """

    start: int
    distances: Floats
    places: Places


def nearest(samples: NDArray[np.float32], features: NDArray[np.float32], k: int) -> Iterator[Nearest]:
    """The `k` samples nearest to each feature, for one block of features after the other.

    A distance is the sum over the dimensions, from the first to the last, of the squared differences, in float64. The
    order of adding is part of the definition: so equal samples are at equal distances, on every machine.

    Memory stays below a few blocks, beside one row of each array and the `k` nearest of one feature.

    Args:
        samples: [n, d], n at least `k`; finite.
        features: [N, d]; finite.
        k: 1 or more.
    """
    count, dimensions = samples.shape
    high = max(1, min(count, 4096, BLOCK // dimensions))
    wide = max(1, BLOCK // max(high, dimensions, k))
    norms = np.concatenate([_norms(samples[at : at + high]) for at in range(0, count, high)])
    for start in range(0, len(features), wide):
        points = features[start : start + wide].astype(np.float64)
        best = Nearest(start, np.empty((len(points), 0)), np.empty((len(points), 0), dtype=np.int64))
        for first in range(0, count, high):
            block = samples[first : first + high].astype(np.float64)
            rows, columns = _candidates(points, block, norms[first : first + high], best.distances, k)
            best = _merged(best, rows, columns + first, _distances(points, block, rows, columns), k)
        yield best


def _norms(vectors: NDArray[np.float32]) -> Floats:
    norms: Floats = np.square(vectors, dtype=np.float64).sum(axis=1)
    return norms


def _candidates(points: Floats, block: Floats, norms: Floats, best: Floats, k: int) -> tuple[Places, Places]:
    """Pairs (row of `asked`, row of `block`) with all that may be among the `k` nearest; in order.

    Rounding sets the product's distance a² + b² - 2ab and the distance as defined at most (2d + 6)·eps·(a² + b²) apart,
    by the usual bounds on sums of d products; `slack` is twice that. A sample stays if it can be as near as the k-th
    nearest may be far.
    """
    slack = (4 * points.shape[1] + 16) * np.finfo(np.float64).eps
    norms_of_both = np.square(points).sum(axis=1)[:, None] + norms
    products = points @ block.T
    products *= -2
    lower = norms_of_both * (1 - slack)
    lower += products
    furthest = best[:, -1:] if best.shape[1] == k else np.full((len(points), 1), np.inf)
    near = lower <= furthest
    if len(block) >= k and np.count_nonzero(near) > 4 * k * len(points):
        # Ranking takes 10 ns a number, all else 4 where dimensions are few: only where it spares many exact distances.
        norms_of_both *= 1 + slack
        products += norms_of_both
        products.partition(k - 1, axis=1)
        near = lower <= np.minimum(furthest, products[:, k - 1 : k])
    # Flat, since numpy looks through one axis ten times as fast as through two.
    rows, columns = np.divmod(np.flatnonzero(near), len(block))
    return rows, columns


def _distances(points: Floats, block: Floats, rows: Places, columns: Places) -> Floats:
    """The distance of each pair, as it is defined."""
    distances = np.empty(len(rows))
    step = max(1, BLOCK // points.shape[1])
    for at in range(0, len(rows), step):
        here = slice(at, at + step)
        difference = points[rows[here]]
        difference -= block[columns[here]]
        np.square(difference, out=difference)
        # A running sum adds from first to last; `sum` adds in an order of numpy's own.
        distances[here] = np.cumsum(difference, axis=1, out=difference)[:, -1]
    return distances


def _merged(best: Nearest, rows: Places, places: Places, distances: Floats, k: int) -> Nearest:
    """The nearest of those known and some more, of which each row has enough to fill it as far as samples go."""
    count, width = best.distances.shape
    all_rows = np.concatenate([np.repeat(np.arange(count), width), rows])
    all_places = np.concatenate([best.places.ravel(), places])
    all_distances = np.concatenate([best.distances.ravel(), distances])
    order = np.lexsort((all_places, all_distances, all_rows))
    starts = np.searchsorted(all_rows[order], np.arange(count + 1))
    width = min(k, int(np.diff(starts).min(initial=len(order))))
    kept = order[starts[:-1, None] + np.arange(width)]
    return Nearest(best.start, all_distances[kept], all_places[kept])
