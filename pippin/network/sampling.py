"""Images between their cells: where to sample them, and what lies there."""

import numpy as np

from pippin.models.spec.sampling import SamplingMethod
from pippin.network.arrays import Array, Namespace


def grid(method: SamplingMethod, reach: Array, steps: Array, xp: Namespace) -> Array:
    """Where `method` samples an interval [0, `reach`]: one place a step (`SamplingMode.Method`).

    With the proto's X = reach + 1 and its N places numpy.linspace(start, end, N):

    - strict_align_endpoints: start = 0, end = X - 1.
    - align_endpoints: the same, but start = end = (X - 1) / 2 where N is 1.
    - upsample: start = 0, end = X - X / N; no place beyond X - 1.
    - roi_align: with spacing = max(1, X - 1) / N, start = spacing / 2, end = start + (N - 1) * spacing; no place
      beyond X - 1.

    Args:
        method: Of sampling.
        reach: A number, or numbers [..., 1].
        steps: [N]: 0, 1, ..., N - 1.
        xp: numpy or jax.numpy.

    Returns:
        [N] or [..., N].
    """
    count = len(steps)
    if method == "upsample":
        return xp.minimum(reach, steps * ((reach + 1) / count))
    if method == "roi_align":
        return xp.minimum(reach, (steps + 0.5) * (xp.maximum(1, reach) / count))
    if method == "align_endpoints" and count == 1:
        return steps + reach / 2
    return steps * (reach / max(1, count - 1))


def resized(x: Array, size: tuple[int, int], method: SamplingMethod, xp: Namespace) -> Array:
    """[N, H, W, C] -> [N, *size, C], sampled by `method` along both axes."""
    height, width = (
        grid(method, length - 1, np.arange(count), np) for length, count in zip(x.shape[1:3], size, strict=True)
    )
    return sampled(x, height, width, xp)


def sampled(x: Array, rows: Array, columns: Array, xp: Namespace) -> Array:
    """[N, H, W, C] -> [N, H', W', C]: what lies at `rows` [H'] and `columns` [W'], arrays of NumPy."""
    return _along(_along(x, 1, rows, xp), 2, columns, xp)


def _along(x: Array, axis: int, places: Array, xp: Namespace) -> Array:
    low, high, share = between(places, x.shape[axis], np)
    weight = xp.asarray(share.reshape(-1, *(1,) * (x.ndim - 1 - axis)), dtype=x.dtype)
    # Every index is that of a cell. Without a mode JAX makes sure of it, for each number and in the gradient again.
    lower, upper = (xp.take(x, cells, axis=axis, mode="clip") for cells in (low, high))
    return lower * (1 - weight) + upper * weight


def between(places: Array, length: int, xp: Namespace) -> tuple[Array, Array, Array]:
    """(the cell below, the cell above, the share of the one above) of each of `places` on an axis of `length`.

    A place beyond the axis is moved to its end. One that is not a number has a share that is none.
    """
    inside = xp.clip(places, 0, length - 1)
    floor = xp.floor(xp.where(xp.isnan(inside), 0, inside))
    low = floor.astype(int)
    return low, xp.minimum(low + 1, length - 1), inside - floor
