"""The exponential linear unit."""

from pippin.models.spec.layers.elu import ELU
from pippin.network.arrays import Array
from pippin.network.step import Step


def elu(step: Step[ELU], x: Array) -> Array:
    """Rectify smoothly: y = x where x >= 0, else alpha * (exp(x) - 1), any shape (`ActivationELU`, version 1).

    The exponential never sees a number above 0: it would overflow there, and its gradient with it.
    """
    xp = step.xp
    return xp.where(x >= 0, x, step.layer.alpha * xp.expm1(xp.where(x >= 0, 0, x)))
