"""Maximum and average under a sliding window."""

from collections.abc import Callable, Sequence
from functools import reduce
from math import inf

from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step
from pippin.network.window import Window, with_borders
from pippin.spec.pooling import Pooling


def pooling(step: Step[Pooling], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`PoolingLayerParams`).

    max: y[h, w, c] = max_ij x[h*s + i - top, w*s + j - left, c] over the cells that lie within the image.
    average: the mean over the same cells, or over all with zeros beyond the image if padding is not excluded.
    """
    layer, xp = step.layer, step.xp
    height, width, channels = x.shape[1:]
    borders = layer.pads((channels, height, width))
    if layer.pooling_type == "max":
        return _slide(layer, with_borders(x, borders, -inf, xp), lambda cells: first_maximum(cells, xp))
    total = _slide(layer, with_borders(x, borders, 0, xp), _sum)
    if not layer.avg_pool_exclude_padding:
        return total / (layer.kernel_size[0] * layer.kernel_size[1])
    return total / _slide(layer, with_borders(xp.ones_like(x[:1, :, :, :1]), borders, 0, xp), _sum)


def first_maximum(candidates: Sequence[Array], xp: Namespace) -> Array:
    """The largest of `candidates`, arrays of one shape, for each number.

    The gradient goes to the first of equals (`maximum` would share it out), and what is not a number wins: a training
    that diverges must show.
    """
    return reduce(lambda best, other: xp.where((other <= best) | xp.isnan(best), best, other), candidates)


def _slide(layer: Pooling, x: Array, combine: Callable[[Sequence[Array]], Array]) -> Array:
    """Combine what the cells of the kernel see: along each row first, then the rows.

    That is kH + kW slices instead of kH * kW, and the first of equals stays the first in row-major order.
    """
    (k_h, k_w), (s_h, s_w) = layer.kernel_size, layer.stride
    along = combine(Window.within(x.shape[1:3], (1, k_w), (1, s_w)).cells(x))
    return combine(Window.within(along.shape[1:3], (k_h, 1), (s_h, 1)).cells(along))


def _sum(terms: Sequence[Array]) -> Array:
    return reduce(lambda one, other: one + other, terms)
