"""Exact search for the nearest samples.

A linear index and a kd-tree give the same result, since both searches are exact, so there is only one implementation.
It takes two steps for every block of features and samples. A matrix product gives fast but rounded distances; a bound
on the rounding error limits the candidates for the nearest samples. Only for these candidates the distance is computed
by its definition.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

BLOCK = 2**19
"""The maximum size of each of the few arrays that a block needs at a time, in numbers: 4 MiB each."""


@dataclass(frozen=True)
class Nearest:
    """The nearest samples of Q consecutive features.

    Attributes:
        start: The index of the first of these features.
        distances: [Q, k], squared Euclidean distances, the smallest first.
        places: [Q, k], the samples' indices. Of two samples at the same distance the lower index comes first.
    """

    start: int
    distances: Floats
    places: Places


def nearest(samples: NDArray[np.float32], features: NDArray[np.float32], k: int) -> Iterator[Nearest]:
    """The `k` samples nearest to each feature, one block of features at a time.

    A distance is the sum over the dimensions, from the first to the last, of the squared differences, in float64. The
    order of addition is part of the definition, so that equal samples have equal distances on every machine.

    Memory is limited to a few blocks, plus one row of each array and the `k` nearest samples of one feature.

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
    """Sorted pairs (row of `points`, row of `block`) that include all pairs that may be among the `k` nearest.

    The rounded distance a² + b² - 2ab differs from the defined distance by at most (2d + 6)·eps·(a² + b²), by the usual
    bounds on sums of d products; `slack` is twice that. A sample is kept if the lower bound of its distance does not
    exceed the upper bound of the k-th nearest distance.
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
        # Partitioning takes 10 ns per number, the rest 4 ns with few dimensions: use it only if it avoids many exact
        # distances.
        norms_of_both *= 1 + slack
        products += norms_of_both
        products.partition(k - 1, axis=1)
        near = lower <= np.minimum(furthest, products[:, k - 1 : k])
    # Flat, since numpy searches one axis ten times as fast as two.
    rows, columns = np.divmod(np.flatnonzero(near), len(block))
    return rows, columns


def _distances(points: Floats, block: Floats, rows: Places, columns: Places) -> Floats:
    """The distance of each pair by its definition."""
    distances = np.empty(len(rows))
    step = max(1, BLOCK // points.shape[1])
    for at in range(0, len(rows), step):
        here = slice(at, at + step)
        difference = points[rows[here]]
        difference -= block[columns[here]]
        np.square(difference, out=difference)
        # `cumsum` adds from first to last; the order of addition in numpy's `sum` is unspecified.
        distances[here] = np.cumsum(difference, axis=1, out=difference)[:, -1]
    return distances


def _merged(best: Nearest, rows: Places, places: Places, distances: Floats, k: int) -> Nearest:
    """Merge further candidates into `best`; together each row has at least as many samples as the result needs."""
    count, width = best.distances.shape
    all_rows = np.concatenate([np.repeat(np.arange(count), width), rows])
    all_places = np.concatenate([best.places.ravel(), places])
    all_distances = np.concatenate([best.distances.ravel(), distances])
    order = np.lexsort((all_places, all_distances, all_rows))
    starts = np.searchsorted(all_rows[order], np.arange(count + 1))
    width = min(k, int(np.diff(starts).min(initial=len(order))))
    kept = order[starts[:-1, None] + np.arange(width)]
    return Nearest(best.start, all_distances[kept], all_places[kept])
