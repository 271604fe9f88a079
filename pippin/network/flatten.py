"""Flattening: an image becomes a vector."""

from pippin.network.arrays import Array, to_channels_first, to_vectors
from pippin.network.step import Step
from pippin.spec.flatten import Flatten


def flatten(step: Step[Flatten], x: Array) -> Array:
    """[N, H, W, C] -> [N, C*H*W] (`FlattenLayerParams`); a vector stays as it is.

    channel_first: y[(c*H + h)*W + w] = x[h, w, c]. channel_last: y[(h*W + w)*C + c] = x[h, w, c].
    """
    return to_vectors(to_channels_first(x, step.xp) if step.layer.mode == "channel_first" else x)
