"""The hyperbolic tangent."""

from pippin.models.spec.layers.tanh import Tanh
from pippin.network.arrays import Array
from pippin.network.step import Step


def tanh(step: Step[Tanh], x: Array) -> Array:
    """Squash into (-1, 1), by the hyperbolic tangent of each number, any shape (`ActivationTanh`)."""
    return step.xp.tanh(x)
