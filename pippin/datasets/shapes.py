"""What the shape of an example tells: whether it fits another, and whether it is a picture's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.disk_arrays import Workspace, batches

Shape = tuple[int, ...]


def squeezed(shape: Sequence[int]) -> Shape:
    """The shape without its axes of 1: [1, 28, 28] and [28, 1, 28] hold their numbers in the order of [28, 28]."""
    return tuple(length for length in shape if length != 1)


def fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether two shapes differ by axes of 1 alone, so that an array of one is an array of the other."""
    return squeezed(shape) == squeezed(wanted)


def is_picture(shape: Sequence[int]) -> bool:
    """Whether this is the shape of a picture, [1, H, W] or [3, H, W], behind any more axes of 1.

    A height or width of 1 makes a vector with axes of 1: NPZ arrays [N, 1, 4] are stored as [1, 1, 4].
    """
    channels, height, width = planes(shape)
    return channels in {1, 3} and height > 1 and width > 1


def planes(shape: Sequence[int]) -> tuple[int, int, int]:
    """(channels, height, width) of an array that could be a picture's; (0, 0, 0) for any other.

    [H, W] has one channel, and axes of 1 may stand before [C, H, W].
    """
    if len(shape) == 2:
        return (1, shape[0], shape[1])
    if len(shape) < 3 or any(length != 1 for length in shape[:-3]):
        return (0, 0, 0)
    return (shape[-3], shape[-2], shape[-1])


_CHANNELS = (1, 3)
_SMALLEST = 4


def channels_first(
    array: NDArray[np.generic], workspace: Workspace, name: str, notices: list[str]
) -> NDArray[np.generic]:
    """`array` as [N, C, H, W] where its shape says that it is [N, H, W, C]; as it is otherwise.

    The shape says so where the last of three axes is 1 or 3, and the first is neither and at least 4. Three channels
    count for bytes only: a series of three quantities, or what a model reads with channels last, has that shape too.

    Args:
        array: [N, *shape].
        workspace: Where a converted copy is made.
        name: Of the array, for the notices.
        notices: Takes one about what was done, or could be.
    """
    shape = array.shape[1:]
    if len(shape) != 3 or shape[2] not in _CHANNELS:
        return array
    height, width, channels = shape
    stored = f"[{height}, {width}, {channels}]"
    pictures = f"[{channels}, {height}, {width}]"
    if height in _CHANNELS:
        if channels == 3 and width > 3:
            notices.append(f"{name} has the shape {stored}: kept, with {height} channels; send {pictures} if it has 3")
        return array
    if min(height, width) < _SMALLEST or (channels > 1 and array.dtype != np.uint8):
        notices.append(f"{name} has the shape {stored}, which is kept; pictures need their channels first: {pictures}")
        return array
    growing = workspace.new_array((channels, height, width), array.dtype)
    for part in batches(array):
        growing.append(np.moveaxis(part, 3, 1))
    notices.append(f"{name} holds pictures with their channels last, {stored}: stored as {pictures}")
    return growing.finish()
