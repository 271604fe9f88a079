"""Maximum and average of a sliding window."""

from functools import reduce

from pippin.network.arrays import Array, Namespace
from pippin.network.geometry import window_of
from pippin.network.step import Step
from pippin.network.window import Window


def pooling(step: Step, x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`PoolingLayerParams`).

    max: y[h, w, c] = max_ij x[h*s + i - top, w*s + j - left, c], cells beyond the edge left out.
    average: their mean, counting the cells beyond the edge as zeros or, with `exclude padding`, not at all.
    """
    window = window_of(step.layer, (1, 1))
    if step.layer.layer.pooling_type == "max":
        return first_maximum(window.cells(window.pad(x, step.xp, -float("inf"))), step.xp)
    return average(x, window, step.xp)


def first_maximum(candidates: list[Array], xp: Namespace) -> Array:
    """The greatest of `candidates`, element by element.

    The gradient goes whole to the first of equals (jnp.maximum would halve it); a NaN wins, so that divergence shows.
    """
    return reduce(lambda best, other: xp.where((other > best) | (other != other), other, best), candidates)  # noqa: PLR0124


def average(x: Array, window: Window, xp: Namespace) -> Array:
    total = sum(window.cells(window.pad(x, xp, 0)))
    real = sum(window.cells(window.pad(xp.ones_like(x[:1, :, :, :1]), xp, 0)))
    return total / real
