"""Slicing one axis."""

from builtins import slice as span

from pippin.models.spec.layers.slice import AXES, Slice
from pippin.network.arrays import Array
from pippin.network.step import Step, in_file_order


@in_file_order
def slice(step: Step[Slice], x: Array) -> Array:  # noqa: A001 - the type's own name
    """[N, ..., C, H, W] -> the same with one axis shortened (`SliceLayerParams`, version 1).

    y[i] = x[start + i * stride] along the axis, for all that come before the end.
    """
    axis = AXES[step.layer.axis]
    start, end = step.layer.bounds(x.shape[axis])
    return x[(..., span(start, end, step.layer.stride), *(span(None),) * (-axis - 1))]
