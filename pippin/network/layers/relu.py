"""The rectifier."""

from pippin.models.spec.layers.relu import ReLU
from pippin.network.arrays import Array
from pippin.network.step import Step


def relu(step: Step[ReLU], x: Array) -> Array:
    """Rectify: y = max(0, x) for each number, any shape (`ActivationReLU`).

    The gradient at 0 is 0, and what is not a number stays so: a training that diverges must show.
    """
    return step.xp.where(x <= 0, 0, x)
