"""Flattening an image into a vector."""

import math

from pippin.network.arrays import Array, to_channels_first
from pippin.network.step import Step


def flatten(step: Step, x: Array) -> Array:
    """[N, H, W, C] -> [N, C*H*W] (`FlattenLayerParams`).

    Mode `channel_first` lists the values in the order C, H, W; `channel_last` in the order H, W, C.
    """
    ordered = to_channels_first(x, step.xp) if step.layer.layer.mode == "channel_first" else x
    return ordered.reshape(x.shape[0], math.prod(x.shape[1:]))
