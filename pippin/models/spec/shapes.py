"""Conversions between a model's declared shapes, the shapes that layers see, and shapes in messages.

Sources: `NeuralNetworkMultiArrayShapeMapping` and `NeuralNetworkImageShapeMapping` of NeuralNetwork.proto.
"""

from typing import Literal

from pippin.models.spec.values import Shape

ArrayMapping = Literal["rank5", "exact"]
ImageMapping = Literal["rank5", "rank4"]


def rank5(declared: Shape) -> Shape | None:
    """(sequence, 1, C, H, W) of a declared shape [C], [C, H, W], [sequence, C, H, W] or all five axes.

    None for a shape of another rank, and for a shape with several examples.
    """
    match declared:
        case (channels,):
            return (1, 1, channels, 1, 1)
        case (channels, height, width):
            return (1, 1, channels, height, width)
        case (sequence, channels, height, width):
            return (sequence, 1, channels, height, width)
        case (_, 1, _, _, _):
            return declared
    return None


def short(shape: Shape) -> Shape:
    """A blob's shape in short form: redundant lengths of 1 are removed from a shape of rank 5."""
    match shape:
        case (1, 1, channels, 1, 1):
            return (channels,)
        case (1, 1, channels, height, width):
            return (channels, height, width)
        case (sequence, 1, channels, height, width):
            return (sequence, channels, height, width)
    return shape


def shape_text(shape: Shape) -> str:
    """A blob's shape in a message: [3, 28, 28]."""
    return str(list(short(shape)))


def image_of(shape: Shape) -> tuple[int, int, int]:
    """(C, H, W): the last three lengths of a shape of rank 3 or more."""
    channels, height, width = shape[-3:]
    return channels, height, width


def is_vector(shape: Shape) -> bool:
    """Whether at most one length is not 1."""
    return sum(length != 1 for length in shape) <= 1
