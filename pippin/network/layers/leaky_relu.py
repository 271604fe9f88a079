"""The leaky rectifier."""

from pippin.models.spec.layers.leaky_relu import LeakyReLU
from pippin.network.arrays import Array
from pippin.network.step import Step


def leaky_relu(step: Step[LeakyReLU], x: Array) -> Array:
    """Rectify in part: y = x where x >= 0, else alpha * x, any shape (`ActivationLeakyReLU`, version 1)."""
    return step.xp.where(x >= 0, x, step.layer.alpha * x)
