"""Boxes cut out of an image and resized."""

from pippin.models.spec.layers.crop_resize import CropResize
from pippin.network.arrays import Array
from pippin.network.sampling import between, grid
from pippin.network.step import Step


def crop_resize(step: Step[CropResize], x: Array, boxes: Array) -> Array:
    """Cut and resize: [N, 1, B, H, W, C] and boxes [N, R, 1, 1, 1, 4 or 5] -> [N, R, B, H', W', C].

    Each number lies linearly between those of the four cells around a place: along each axis, a box's start plus where
    `sampling_method` samples an interval as long as the box (`pippin.network.sampling`), moved into the image. That a
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
