"""The hyperbolic tangent."""

from pippin.network.arrays import Array
from pippin.network.step import Step


def tanh(step: Step, x: Array) -> Array:
    """y = tanh(x), element by element, any shape (`ActivationTanh`)."""
    return step.xp.tanh(x)
