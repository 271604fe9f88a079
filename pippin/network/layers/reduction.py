"""Reduction over axes of a blob, such as a sum or a mean."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pippin.models.spec.layers.reduction import Reduce
from pippin.network.arrays import Array, Namespace, safe_root
from pippin.network.step import Step, in_file_order


@in_file_order
def reduce(step: Step[Reduce], x: Array) -> Array:
    """Reduce the numbers x_i along C, H or W, along H and W, or along all three to one number (`ReduceLayerParams`).

    [N, ..., C, H, W] -> the same with length 1 for the reduced axes (version 1). sum: sum_i x_i. avg: their mean.
    prod: prod_i x_i. logsum: sum_i log(x_i + epsilon). sumsquare: sum_i x_i^2. l1: sum_i |x_i|. l2: the root of
    sum_i x_i^2. max, min: the largest, the smallest. argmax: the index of the largest along the axis, from 0.

    Of equal values the first in the order C, H, W is the largest or the smallest, and gets the gradient.
    """
    layer = step.layer
    # A single axis is moved to the end; several axes are already at the end.
    rows = step.xp.moveaxis(x, layer.places[0], -1) if len(layer.places) == 1 else x
    result = _MODES[layer.mode](rows.reshape(*rows.shape[: x.ndim - len(layer.places)], -1), layer, step.xp)
    (shape,) = layer.output_shapes((x.shape[1:],))
    return result.reshape(x.shape[0], *shape)


def _largest(rows: Array, xp: Namespace) -> Array:
    """Like `max`, but the whole gradient goes to the first of equal values. NaN propagates, as with `max`."""
    return xp.take_along_axis(rows, xp.argmax(rows, axis=-1)[..., None], axis=-1)


_MODES: Mapping[str, Callable[[Array, Reduce, Namespace], Array]] = MappingProxyType(
    {
        "sum": lambda rows, _layer, _xp: rows.sum(axis=-1),
        "avg": lambda rows, _layer, _xp: rows.mean(axis=-1),
        "prod": lambda rows, _layer, _xp: rows.prod(axis=-1),
        "logsum": lambda rows, layer, xp: xp.log(rows + layer.epsilon).sum(axis=-1),
        "sumsquare": lambda rows, _layer, _xp: (rows * rows).sum(axis=-1),
        "l1": lambda rows, _layer, xp: xp.abs(rows).sum(axis=-1),
        "l2": lambda rows, _layer, xp: safe_root((rows * rows).sum(axis=-1), xp),
        "max": lambda rows, _layer, xp: _largest(rows, xp),
        "min": lambda rows, _layer, xp: -_largest(-rows, xp),
        "argmax": lambda rows, _layer, xp: xp.argmax(rows, axis=-1).astype(rows.dtype),
    }
)
"""Mode -> its function, which reduces the last axis of [N, ..., i]."""
