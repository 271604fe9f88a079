"""Normalization: batch, mean and variance, L2, and local response."""

from pippin.models.spec.layers.normalization import LRN, MVN, Batchnorm, L2Normalize
from pippin.network.arrays import Array
from pippin.network.step import Step
from pippin.network.window import combined


def batchnorm(step: Step[Batchnorm], x: Array) -> Array:
    """Normalise: y[c] = gamma[c] * (x[c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c].

    [N, ..., H, W, C] -> the same shape (`BatchnormLayerParams`, version 1). Mean and variance are stored, or computed
    over H and W of each image, or over the whole mini-batch. Only in that last case, and in no other layer, the result
    for an example depends on the other examples: examples that fill up a batch count, and a prediction for a single
    example differs from one in a batch.
    """
    layer, weights = step.layer, step.weights
    if layer.compute_mean_var:
        axes = (-3, -2) if layer.instance_normalization else tuple(range(x.ndim - 1))
        centred = x - x.mean(axis=axes, keepdims=True)
        variance = (centred * centred).mean(axis=axes, keepdims=True)
    else:
        centred, variance = x - weights["mean"], weights["variance"]
    return weights["gamma"] * centred / step.xp.sqrt(variance + layer.epsilon) + weights["beta"]


def mvn(step: Step[MVN], x: Array) -> Array:
    """Normalise: y = (x - mean) / sqrt(variance + epsilon), or only x - mean.

    [N, ..., H, W, C] -> the same shape (`MeanVarianceNormalizeLayerParams`, version 1). Mean and variance are over H, W
    and C if across channels, otherwise over H and W.
    """
    layer = step.layer
    axes = (-3, -2, -1) if layer.across_channels else (-3, -2)
    centred = x - x.mean(axis=axes, keepdims=True)
    if not layer.normalize_variance:
        return centred
    return centred / step.xp.sqrt((centred * centred).mean(axis=axes, keepdims=True) + layer.epsilon)


def l2_normalize(step: Step[L2Normalize], x: Array) -> Array:
    """Divide: y = x / sqrt(sum x^2 + epsilon), summed over H, W and C (`L2NormalizeLayerParams`, version 1).

    [N, ..., H, W, C] -> the same shape.
    """
    return x / step.xp.sqrt((x * x).sum(axis=(-3, -2, -1), keepdims=True) + step.layer.epsilon)


def lrn(step: Step[LRN], x: Array) -> Array:
    """Damp: y[c] = x[c] / (k + alpha / local_size * sum_j x[j]^2)^beta, j within the window around c.

    [N, ..., H, W, C] -> the same shape (`LRNLayerParams`, version 1). x is 0 outside the channels.
    """
    layer = step.layer
    before, after = layer.reach(x.shape[-1])
    squares = step.xp.pad(x * x, (*((0, 0),) * (x.ndim - 1), (before, after)))
    total = combined(squares, -1, before + 1 + after, lambda halves: halves[0] + halves[1])
    return x / (layer.k + layer.alpha / layer.local_size * total) ** layer.beta
