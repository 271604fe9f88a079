"""Rows and columns added around an image."""

from pippin.models.spec.layers.padding import Padding
from pippin.network.arrays import Array
from pippin.network.step import Step, in_file_order


@in_file_order
def padding(step: Step[Padding], x: Array) -> Array:
    """[N, ..., H, W] -> [N, ..., top + H + bottom, left + W + right] (`PaddingLayerParams`, version 1).

    y[h, w] = x[h - top, w - left] within x. Beyond it, constant: the value; reflection: what lies as far on this side
    of the outermost row or column; replication: the outermost row or column itself.
    """
    widths = (*((0, 0),) * (x.ndim - 2), *step.layer.borders)
    match step.layer.padding_type:
        case "reflection":
            return step.xp.pad(x, widths, mode="reflect")
        case "replication":
            return step.xp.pad(x, widths, mode="edge")
    return step.xp.pad(x, widths, constant_values=step.layer.value)
