"""Resizing: upsampling, bilinear resizing, and crops of boxes resized."""

import numpy as np

from pippin.models.spec.layers.resizing import CropResize, ResizeBilinear, SamplingMethod, Upsample
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step, over_images


def grid(method: SamplingMethod, reach: Array, steps: Array, xp: Namespace) -> Array:
    """Where `method` samples an interval [0, `reach`]: one place a step (`SamplingMode.Method`).

    With the proto's X = reach + 1 and its N places numpy.linspace(start, end, N):

    - strict_align_endpoints: start = 0, end = X - 1.
    - align_endpoints: the same, but start = end = (X - 1) / 2 where N is 1.
    - upsample: start = 0, end = X - X / N; no place beyond X - 1.
    - roi_align: with spacing = max(1, X - 1) / N, start = spacing / 2, end = start + (N - 1) * spacing; no place
      beyond X - 1.

    Args:
        method: Of sampling.
        reach: A number, or numbers [..., 1].
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
    """[N, H, W, C] -> [N, H', W', C]: what lies at `rows` [H'] and `columns` [W'], arrays of NumPy."""
    return _along(_along(x, 1, rows, xp), 2, columns, xp)


def _along(x: Array, axis: int, places: Array, xp: Namespace) -> Array:
    low, high, share = between(places, x.shape[axis], np)
    weight = xp.asarray(share.reshape(-1, *(1,) * (x.ndim - 1 - axis)), dtype=x.dtype)
    # Every index is that of a cell. Without a mode JAX makes sure of it, for each number and in the gradient again.
    lower, upper = (xp.take(x, cells, axis=axis, mode="clip") for cells in (low, high))
    return lower * (1 - weight) + upper * weight


def between(places: Array, length: int, xp: Namespace) -> tuple[Array, Array, Array]:
    """(the cell below, the cell above, the share of the one above) of each of `places` on an axis of `length`.

    A place beyond the axis is moved to its end. One that is not a number has a share that is none.
    """
    inside = xp.clip(places, 0, length - 1)
    floor = xp.floor(xp.where(xp.isnan(inside), 0, inside))
    low = floor.astype(int)
    return low, xp.minimum(low + 1, length - 1), inside - floor


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


@over_images
def resize_bilinear(step: Step[ResizeBilinear], x: Array) -> Array:
    """[N, H, W, C] -> [N, H', W', C] (`ResizeBilinearLayerParams`, version 3).

    Each number lies linearly between those of the four cells around the place where `sampling_method` samples; see
    `pippin.network.layers.resizing`.
    """
    return resized(x, step.layer.target_size, step.layer.sampling_method, step.xp)


def crop_resize(step: Step[CropResize], x: Array, boxes: Array) -> Array:
    """Cut and resize: [N, 1, B, H, W, C] and boxes [N, R, 1, 1, 1, 4 or 5] -> [N, R, B, H', W', C].

    Each number lies linearly between those of the four cells around a place: along each axis, a box's start plus where
    `sampling_method` samples an interval as long as the box (`grid`), moved into the image. That a
    box of size s around c is from c - s/2 to c + s/2 is ours, the proto leaves it open (`CropResizeLayerParams`,
    version 3). The first of five coordinates, the image's place in the batch, is not looked at.

    The gradient reaches the boxes too; where a place is a cell's own, it is that of the next cell's side.
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
    # One row a cell, whatever image it is of: to pick rows of a matrix is what JAX compiles fastest.
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
    """Where boxes [N, R, 1] are sampled on an axis of `length`: [N, R, count]."""
    layer, xp = step.layer, step.xp
    unit = layer.spatial_scale * (length - 1 if layer.normalized_coordinates else 1)
    is_centre = layer.box_mode in ("center_size_height_first", "center_size_width_first")
    start, reach = (one - other / 2, other) if is_centre else (one, other - one)
    return start * unit + grid(layer.sampling_method, reach * unit, xp.arange(count, dtype=one.dtype), xp)
