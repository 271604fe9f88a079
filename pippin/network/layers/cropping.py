"""Crop, pad and slice: layers that cut a blob or add borders."""

from pippin.models.spec.layers.cropping import AXES, Crop, Padding, Slice
from pippin.network.arrays import Array
from pippin.network.step import Step, in_file_order


@in_file_order
def crop(step: Step[Crop], *blobs: Array) -> Array:
    """[N, ..., C, H, W] -> [N, ..., C, H', W'] (`CropLayerParams`, version 1).

    y[c, h, w] = x[c, h + top, w + left]. (top, left) are the cropped borders, or with a second blob the offset; the
    second blob, [N, ..., C2, H', W'], gives the height and width.
    """
    (top, below), (left, beyond) = step.layer.kept(tuple(blob.shape[1:] for blob in blobs))
    return blobs[0][..., top:below, left:beyond]


@in_file_order
def padding(step: Step[Padding], x: Array) -> Array:
    """[N, ..., H, W] -> [N, ..., top + H + bottom, left + W + right] (`PaddingLayerParams`, version 1).

    y[h, w] = x[h - top, w - left] inside x. Outside, constant: the value; reflection: x mirrored at the outermost row
    or column; replication: the outermost row or column.
    """
    widths = (*((0, 0),) * (x.ndim - 2), *step.layer.borders)
    match step.layer.padding_type:
        case "reflection":
            return step.xp.pad(x, widths, mode="reflect")
        case "replication":
            return step.xp.pad(x, widths, mode="edge")
    return step.xp.pad(x, widths, constant_values=step.layer.value)


@in_file_order
def slice_axis(step: Step[Slice], x: Array) -> Array:
    """[N, ..., C, H, W] -> the same with one axis shortened (`SliceLayerParams`, version 1).

    y[i] = x[start + i * stride] along the axis, for all indices below the end.
    """
    axis = AXES[step.layer.axis]
    start, end = step.layer.bounds(x.shape[axis])
    return x[(..., slice(start, end, step.layer.stride), *(slice(None),) * (-axis - 1))]
