"""The rectifier."""

from pippin.network.arrays import Array
from pippin.network.step import Step


def relu(step: Step, x: Array) -> Array:
    """y = max(0, x), element by element, any shape (`ActivationReLU`).

    The gradient at 0 is 0, and a NaN stays a NaN so that a diverged training shows.
    """
    return step.xp.where(x <= 0, 0, x)
