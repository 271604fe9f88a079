"""The constant."""

from pippin.models.spec.layers.load_constant import LoadConstant
from pippin.network.arrays import Array, to_channels_last
from pippin.network.step import Step


def load_constant(step: Step[LoadConstant]) -> Array:
    """Repeat the data for every example: -> [N, 1, 1, H, W, C] (`LoadConstantLayerParams`, version 1).

    The data are [C, H, W].
    """
    xp = step.xp
    blob = to_channels_last(step.weights["data"][None, None, None], xp)
    return xp.broadcast_to(blob, (step.examples, *blob.shape[1:]))
