"""The hyperbolic tangent with two scales."""

from pippin.models.spec.layers.scaled_tanh import ScaledTanh
from pippin.network.arrays import Array
from pippin.network.step import Step


def scaled_tanh(step: Step[ScaledTanh], x: Array) -> Array:
    """Squash: y = alpha * tanh(beta * x) for each number, any shape (`ActivationScaledTanh`, version 1)."""
    return step.layer.alpha * step.xp.tanh(step.layer.beta * x)
