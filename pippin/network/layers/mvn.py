"""Mean-variance normalization."""

from pippin.models.spec.layers.mvn import MVN
from pippin.network.arrays import Array
from pippin.network.step import Step


def mvn(step: Step[MVN], x: Array) -> Array:
    """Normalise: y = (x - mean) / sqrt(variance + epsilon), or just x - mean.

    [N, ..., H, W, C] -> the same shape (`MeanVarianceNormalizeLayerParams`, version 1). Mean and variance are those of
    H, W and C if across channels, else of H and W.
    """
    layer = step.layer
    axes = (-3, -2, -1) if layer.across_channels else (-3, -2)
    centred = x - x.mean(axis=axes, keepdims=True)
    if not layer.normalize_variance:
        return centred
    return centred / step.xp.sqrt((centred * centred).mean(axis=axes, keepdims=True) + layer.epsilon)
