"""Reshaping: as many numbers in another shape."""

from pippin.models.spec.layers.reshape import Reshape
from pippin.network.arrays import Array, to_channels_first, to_channels_last
from pippin.network.step import Step


def reshape(step: Step[Reshape], x: Array) -> Array:
    """[N, Seq, B, H, W, C] -> [N, Seq', B, H', W', C'] (`ReshapeLayerParams`, version 1).

    channel_first goes through the numbers of input and output in the order Seq, C, H, W, channel_last in the order Seq,
    H, W, C; the n-th of the one is the n-th of the other. Each of a batch is reshaped by itself.
    """
    xp, is_first = step.xp, step.layer.mode == "channel_first"
    sequence, channels, height, width = step.layer.target(x.shape[1])
    image = (channels, height, width) if is_first else (height, width, channels)
    ordered = xp.moveaxis(to_channels_first(x, xp) if is_first else x, 2, 1)
    y = xp.moveaxis(ordered.reshape(*ordered.shape[:2], sequence, *image), 1, 2)
    return to_channels_last(y, xp) if is_first else y
