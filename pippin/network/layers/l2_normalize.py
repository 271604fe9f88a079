"""L2 normalization."""

from pippin.models.spec.layers.l2_normalize import L2Normalize
from pippin.network.arrays import Array
from pippin.network.step import Step


def l2_normalize(step: Step[L2Normalize], x: Array) -> Array:
    """Divide: y = x / sqrt(sum x^2 + epsilon), summed over H, W and C (`L2NormalizeLayerParams`, version 1).

    [N, ..., H, W, C] -> the same shape.
    """
    return x / step.xp.sqrt((x * x).sum(axis=(-3, -2, -1), keepdims=True) + step.layer.epsilon)
