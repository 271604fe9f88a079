"""The hyperbolic tangent with two scales."""

from pippin.network.arrays import Array
from pippin.network.step import Step
from pippin.spec.layers.scaled_tanh import ScaledTanh


def scaled_tanh(step: Step[ScaledTanh], x: Array) -> Array:
    """Squash: y = alpha * tanh(beta * x) for each number, any shape (`ActivationScaledTanh`, version 1)."""
    return step.layer.alpha * step.xp.tanh(step.layer.beta * x)
