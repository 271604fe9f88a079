"""The linear activation."""

from pippin.models.spec.layers.linear import Linear
from pippin.network.arrays import Array
from pippin.network.step import Step


def linear(step: Step[Linear], x: Array) -> Array:
    """Map linearly: y = alpha * x + beta for each number, any shape (`ActivationLinear`, version 1)."""
    return step.layer.alpha * x + step.layer.beta
