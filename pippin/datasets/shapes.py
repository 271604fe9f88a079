"""The shapes of examples: whether two shapes are compatible, and whether a shape is that of a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.disk_arrays import Workspace, batches

Shape = tuple[int, ...]


def squeezed(shape: Sequence[int]) -> Shape:
    """The shape without its axes of length 1: [1, 28, 28] and [28, 1, 28] order their values as [28, 28] does."""
    return tuple(length for length in shape if length != 1)


def fits(shape: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes differ only by axes of length 1, so that an array of one can be reshaped to the other."""
    return squeezed(shape) == squeezed(other)


def is_picture(shape: Sequence[int]) -> bool:
    """Whether this is the shape of a picture, [1, H, W] or [3, H, W], after any number of axes of length 1.

    A shape with a height or width of 1 is a vector: NPZ arrays [N, 1, 4] are stored as [1, 1, 4].
    """
    channels, height, width = planes(shape)
    return channels in {1, 3} and height > 1 and width > 1


def planes(shape: Sequence[int]) -> tuple[int, int, int]:
    """(channels, height, width) of an array that may be a picture; (0, 0, 0) for any other.

    [H, W] has one channel, and [C, H, W] may follow axes of length 1.
    """
    if len(shape) == 2:
        return (1, shape[0], shape[1])
    if len(shape) < 3 or any(length != 1 for length in shape[:-3]):
        return (0, 0, 0)
    return (shape[-3], shape[-2], shape[-1])


_CHANNELS = (1, 3)
_MIN_LENGTH = 4


def channels_first(
    array: NDArray[np.generic], workspace: Workspace, name: str, notices: list[str]
) -> NDArray[np.generic]:
    """`array` as [N, C, H, W] where its shape shows that it is [N, H, W, C]; unchanged otherwise.

    An array has its channels last where the last of three axes is 1 or 3, and the first is neither and at least 4.
    Three channels count for bytes only, since a series of three quantities, and the input of a model that reads
    channels last, have that shape too.

    Args:
        array: [N, *shape].
        workspace: Creates the converted copy.
        name: The name of the array, for the notices.
        notices: Receives a notice about a conversion, or about an array that may need one.
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
    if min(height, width) < _MIN_LENGTH or (channels > 1 and array.dtype != np.uint8):
        notices.append(f"{name} has the shape {stored}, which is kept; pictures need their channels first: {pictures}")
        return array
    disk_array = workspace.new_array((channels, height, width), array.dtype)
    for part in batches(array):
        disk_array.append(np.moveaxis(part, 3, 1))
    notices.append(f"{name} holds pictures with their channels last, {stored}: stored as {pictures}")
    return disk_array.finish()
