"""The linear activation."""

from pippin.network.arrays import Array
from pippin.network.step import Step
from pippin.spec.layers.linear import Linear


def linear(step: Step[Linear], x: Array) -> Array:
    """Map linearly: y = alpha * x + beta for each number, any shape (`ActivationLinear`, version 1)."""
    return step.layer.alpha * x + step.layer.beta
