"""From the shapes that a model declares to those that its layers see, and back to what people read.

Sources: `NeuralNetworkMultiArrayShapeMapping` and `NeuralNetworkImageShapeMapping` of NeuralNetwork.proto.
"""

from typing import Literal

from pippin.models.spec.values import Shape

ArrayMapping = Literal["rank5", "exact"]
ImageMapping = Literal["rank5", "rank4"]


def rank5(declared: Shape) -> Shape | None:
    """(sequence, 1, C, H, W) of a shape that leaves out what is 1: [C], [C, H, W], [sequence, C, H, W] or all five.

    None for a shape of another rank, and for one with several examples in it.
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
    """A blob's shape as people write it: of five lengths, those are left out that are 1 and say nothing."""
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
    """Whether all but one length are 1."""
    return sum(length != 1 for length in shape) <= 1
