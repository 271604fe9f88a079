"""What the shape of an example tells: whether it fits another, and whether it is a picture's."""

from collections.abc import Sequence

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
