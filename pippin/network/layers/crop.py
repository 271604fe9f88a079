"""Cropping height and width."""

from pippin.models.spec.layers.crop import Crop
from pippin.network.arrays import Array
from pippin.network.step import Step, in_file_order


@in_file_order
def crop(step: Step[Crop], *blobs: Array) -> Array:
    """[N, ..., C, H, W] -> [N, ..., C, H', W'] (`CropLayerParams`, version 1).

    y[c, h, w] = x[c, h + top, w + left], with the borders that are cut off, or with the offset as (top, left) and the
    height and width of the second blob, [N, ..., C2, H', W'].
    """
    (top, below), (left, beyond) = step.layer.kept(tuple(blob.shape[1:] for blob in blobs))
    return blobs[0][..., top:below, left:beyond]
