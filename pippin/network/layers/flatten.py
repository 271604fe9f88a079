"""Flattening: the last three axes become one."""

from pippin.models.spec.layers.flatten import Flatten
from pippin.network.arrays import Array, to_channels_first, to_vectors
from pippin.network.step import Step, over_images


@over_images
def flatten(step: Step[Flatten], x: Array) -> Array:
    """[N, H, W, C] -> [N, 1, 1, C*H*W] (`FlattenLayerParams`, version 1).

    channel_first: y[(c*H + h)*W + w] = x[h, w, c]. channel_last: y[(h*W + w)*C + c] = x[h, w, c].
    """
    flat = to_vectors(to_channels_first(x, step.xp) if step.layer.mode == "channel_first" else x)
    return flat.reshape(x.shape[0], 1, 1, -1)
