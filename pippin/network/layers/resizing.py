"""Resizing: upsampling, bilinear resizing, and resized crops of boxes."""

import numpy as np

from pippin.models.spec.layers.resizing import CropResize, ResizeBilinear, SamplingMethod, Upsample
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step, over_images


def grid(method: SamplingMethod, reach: Array, steps: Array, xp: Namespace) -> Array:
    """The positions at which `method` samples an interval [0, `reach`], one per step (`SamplingMode.Method`).

    With the proto's X = reach + 1 and its N positions numpy.linspace(start, end, N):

    - strict_align_endpoints: start = 0, end = X - 1.
    - align_endpoints: the same, but start = end = (X - 1) / 2 if N is 1.
    - upsample: start = 0, end = X - X / N; positions are limited to X - 1.
    - roi_align: with spacing = max(1, X - 1) / N, start = spacing / 2, end = start + (N - 1) * spacing; positions are
      limited to X - 1.

    Args:
        method: The sampling method.
        reach: The length of the interval, a number or numbers [..., 1].
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
    """[N, H, W, C] -> [N, H', W', C]: `x` interpolated at `rows` [H'] and `columns` [W'], arrays of NumPy."""
    return _along(_along(x, 1, rows, xp), 2, columns, xp)


def _along(x: Array, axis: int, places: Array, xp: Namespace) -> Array:
    low, high, share = between(places, x.shape[axis], np)
    weight = xp.asarray(share.reshape(-1, *(1,) * (x.ndim - 1 - axis)), dtype=x.dtype)
    # Every index is valid. Without a mode JAX checks each index, and again in the gradient.
    lower, upper = (xp.take(x, cells, axis=axis, mode="clip") for cells in (low, high))
    return lower * (1 - weight) + upper * weight


def between(places: Array, length: int, xp: Namespace) -> tuple[Array, Array, Array]:
    """The lower cell, the upper cell and the upper cell's weight for each of `places` on an axis of `length`.

    A position outside the axis is clipped to its end. The weight of a NaN position is NaN.
    """
    inside = xp.clip(places, 0, length - 1)
    floor = xp.floor(xp.where(xp.isnan(inside), 0, inside))
    low = floor.astype(int)
    return low, xp.minimum(low + 1, length - 1), inside - floor


@over_images
def upsample(step: Step[Upsample], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`UpsampleLayerParams`, version 1).

    nearest: y[h, w] = x[floor(h / fH), floor(w / fW)] with the factors fH and fW. The proto does not define which cell
    is the nearest; this definition is ours.

    bilinear: linear interpolation between the four cells around a position. Along an axis of X input cells and N output
    cells, position i is

    - default: i * (X - X/N) / (N - 1), or 0 if N is 1;
    - align_corners_true: i * (X - 1) / (N - 1), or 0 if N is 1;
    - align_corners_false: (i + 1/2) * X/N - 1/2;

    clipped to 0 and X - 1. The result for N = 1 is ours; the proto's formula divides by 0.
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
    """The centres of `count` equal parts of an axis, in cells from the centre of the first cell."""
    return (np.arange(count) + 0.5) * (length / count) - 0.5


@over_images
def resize_bilinear(step: Step[ResizeBilinear], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`ResizeBilinearLayerParams`, version 3).

    Linear interpolation between the four cells around each position of `sampling_method`; see `grid`.
    """
    return resized(x, step.layer.target_size, step.layer.sampling_method, step.xp)


def crop_resize(step: Step[CropResize], x: Array, boxes: Array) -> Array:
    """Cut and resize: [N, 1, B, H, W, C] and boxes [N, R, 1, 1, 1, 4 or 5] -> [N, R, B, H', W', C].

    Linear interpolation between the four cells around each position (`CropResizeLayerParams`, version 3). Along each
    axis a position is the box's start plus a position of `sampling_method` in an interval of the box's length (`grid`),
    clipped to the image. Ours: a box of size s around c is from c - s/2 to c + s/2, which the proto leaves open. The
    first of five coordinates, the image's index in the batch, is ignored.

    The boxes get a gradient too; at a position exactly on a cell, it is the one-sided gradient towards the next cell.
    """
    layer, xp = step.layer, step.xp
    first, second, third, fourth = xp.split(boxes.reshape(*boxes.shape[:2], -1)[..., -4:], 4, axis=-1)
    rows, columns = (first, third), (second, fourth)
    if layer.box_mode in ("corners_width_first", "center_size_width_first"):
        rows, columns = columns, rows
    (h_low, h_high, h_share), (w_low, w_high, w_share) = (
        between(_places(step, *box, length, count), length, xp)
        for box, length, count in zip((rows, columns), x.shape[3:5], layer.target_size, strict=True)
    )
    examples, _, batch, height, width, channels = x.shape
    # One row per cell of all images: JAX compiles row lookups in a matrix fastest.
    cells = xp.moveaxis(x, 2, 4).reshape(examples * height * width, batch * channels)
    first_cells = xp.arange(examples)[:, None, None, None] * (height * width)

    def at(row: Array, column: Array) -> Array:
        return xp.take(cells, first_cells + row[..., None] * width + column[..., None, :], axis=0, mode="clip")

    across, down = w_share[..., None, :, None], h_share[..., None, None]
    upper = at(h_low, w_low) * (1 - across) + at(h_low, w_high) * across
    lower = at(h_high, w_low) * (1 - across) + at(h_high, w_high) * across
    y = upper * (1 - down) + lower * down
    return xp.moveaxis(y.reshape(*y.shape[:-1], batch, channels), -2, 2)


def _places(step: Step[CropResize], one: Array, other: Array, length: int, count: int) -> Array:
    """The sample positions of boxes [N, R, 1] on an axis of `length`: [N, R, count]."""
    layer, xp = step.layer, step.xp
    unit = layer.spatial_scale * (length - 1 if layer.normalized_coordinates else 1)
    is_centre = layer.box_mode in ("center_size_height_first", "center_size_width_first")
    start, reach = (one - other / 2, other) if is_centre else (one, other - one)
    return start * unit + grid(layer.sampling_method, reach * unit, xp.arange(count, dtype=one.dtype), xp)
