"""Batch normalization."""

from pippin.models.spec.layers.batchnorm import Batchnorm
from pippin.network.arrays import Array
from pippin.network.step import Step


def batchnorm(step: Step[Batchnorm], x: Array) -> Array:
    """Normalise: y[c] = gamma[c] * (x[c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c].

    [N, ..., H, W, C] -> the same shape (`BatchnormLayerParams`, version 1). Mean and variance are stored, or computed:
    of each image's H and W for itself, or of all that is in the mini-batch. In that last case, and in no other layer,
    what is made of an example depends on those beside it: one that fills up a batch counts, and a prediction for one
    alone differs from one among others.
    """
    layer, weights = step.layer, step.weights
    if layer.compute_mean_var:
        axes = (-3, -2) if layer.instance_normalization else tuple(range(x.ndim - 1))
        centred = x - x.mean(axis=axes, keepdims=True)
        variance = (centred * centred).mean(axis=axes, keepdims=True)
    else:
        centred, variance = x - weights["mean"], weights["variance"]
    return weights["gamma"] * centred / step.xp.sqrt(variance + layer.epsilon) + weights["beta"]
