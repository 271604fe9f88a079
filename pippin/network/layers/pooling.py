"""Pooling over height and width."""

from collections.abc import Sequence
from functools import partial, reduce
from math import inf

from pippin.models.spec.layers.pooling import Pooling
from pippin.network.arrays import Array, Namespace, safe_root
from pippin.network.step import Step, over_images
from pippin.network.window import Combine, Pair, Window, combined, with_borders

# Runs of up to this many cells are sliced one by one; longer runs are combined from halves.
FEW_CELLS = 8


@over_images
def pooling(step: Step[Pooling], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`PoolingLayerParams`, version 1).

    max: y[h, w, c] = max_ij x[h*s + i - top, w*s + j - left, c] over the cells that lie within the image.
    average: the mean over the same cells, or over all cells with zeros outside the image if padding is not excluded.
    l2: the root of the sum of their squares.
    """
    layer, xp = step.layer, step.xp
    height, width, channels = x.shape[1:]
    shape = (channels, height, width)
    borders, kernel = layer.pads(shape), layer.kernel(shape)
    slide = partial(_slide, kernel=kernel, stride=layer.strides())
    if layer.pooling_type == "max":
        return slide(with_borders(x, borders, -inf, xp), lambda cells: first_maximum(cells, xp))
    if layer.pooling_type == "l2":
        return safe_root(slide(with_borders(x * x, borders, 0, xp), _sum), xp)
    total = slide(with_borders(x, borders, 0, xp), _sum)
    if not layer.avg_pool_exclude_padding:
        return total / (kernel[0] * kernel[1])
    return total / slide(with_borders(xp.ones_like(x[:1, :, :, :1]), borders, 0, xp), _sum)


def first_maximum(candidates: Sequence[Array], xp: Namespace) -> Array:
    """The elementwise maximum of `candidates`, arrays of one shape.

    The gradient goes to the first of equal values (`maximum` would split it), and NaN propagates so that diverging
    training is visible.
    """
    return reduce(lambda best, other: xp.where((other <= best) | xp.isnan(best), best, other), candidates)


def _slide(x: Array, combine: Combine, *, kernel: Pair, stride: Pair) -> Array:
    """Combine the pixels under the kernel's cells: along each row first, then the rows.

    This takes kH + kW slices instead of kH * kW, and the first of equal values stays the first in row-major order.
    """
    (k_h, k_w), (s_h, s_w) = kernel, stride
    if k_w > FEW_CELLS:
        along = combined(x, 2, k_w, combine)[:, :, ::s_w]
    else:
        along = combine(Window.within(x.shape[1:3], (1, k_w), (1, s_w)).cells(x))
    if k_h > FEW_CELLS:
        return combined(along, 1, k_h, combine)[:, ::s_h]
    return combine(Window.within(along.shape[1:3], (k_h, 1), (s_h, 1)).cells(along))


def _sum(terms: Sequence[Array]) -> Array:
    return reduce(lambda one, other: one + other, terms)
