"""Arrays of pictures whose channels come last, as Keras and Pillow have them, and first, as Core ML does."""

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.arrays import parts
from pippin.datasets.growing import Workspace

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
    growing = workspace.growing((channels, height, width), array.dtype)
    for part in parts(array):
        growing.append(np.moveaxis(part, 3, 1))
    notices.append(f"{name} holds pictures with their channels last, {stored}: stored as {pictures}")
    return growing.finish()
