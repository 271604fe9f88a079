"""The softplus with two numbers for each channel."""

from pippin.models.spec.layers.parametric_softplus import ParametricSoftplus
from pippin.network.arrays import Array
from pippin.network.step import Step


def parametric_softplus(step: Step[ParametricSoftplus], x: Array) -> Array:
    """Rectify smoothly: y = alpha[c] * log(1 + exp(beta[c] * x)) (`ActivationParametricSoftplus`, version 1).

    [N, ..., H, W, C] -> the same; alpha and beta are [C] each, or [1] for all channels.
    """
    return step.weights["alpha"] * step.xp.logaddexp(0, step.weights["beta"] * x)
