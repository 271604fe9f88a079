"""More rows and columns of the same image."""

import numpy as np

from pippin.models.spec.layers.upsample import Upsample
from pippin.network.arrays import Array
from pippin.network.sampling import resized, sampled
from pippin.network.step import Step, over_images


@over_images
def upsample(step: Step[Upsample], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`UpsampleLayerParams`, version 1).

    nearest: y[h, w] = x[floor(h / fH), floor(w / fW)] with the factors fH and fW. The proto asks for the nearest cell
    and does not say which that is; this is ours.

    bilinear: linearly between the four cells around a place. Along an axis of X cells in and N out, place i is

    - default: i * (X - X/N) / (N - 1), or 0 where N is 1;
    - align_corners_true: i * (X - 1) / (N - 1), or 0 where N is 1;
    - align_corners_false: (i + 1/2) * X/N - 1/2;

    moved between 0 and X - 1. What N = 1 means is ours, the proto divides by 0.
    """
    layer, xp = step.layer, step.xp
    if layer.mode == "nearest":
        down, across = layer.scaling_factor or (1, 1)
        return xp.repeat(xp.repeat(x, down, axis=1), across, axis=2)
    _, height, width, channels = x.shape
    size = layer.size((channels, height, width))
    if layer.linear_upsample_mode == "align_corners_false":
        return sampled(x, _centres(height, size[0]), _centres(width, size[1]), xp)
    aligned = layer.linear_upsample_mode == "align_corners_true"
    return resized(x, size, "strict_align_endpoints" if aligned else "upsample", xp)


def _centres(length: int, count: int) -> Array:
    """Where the middles of `count` equal parts of an axis lie, counted in cells from the middle of the first cell."""
    return (np.arange(count) + 0.5) * (length / count) - 0.5
