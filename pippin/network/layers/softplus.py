"""The softplus."""

from pippin.network.arrays import Array
from pippin.network.step import Step
from pippin.spec.layers.softplus import Softplus


def softplus(step: Step[Softplus], x: Array) -> Array:
    """Rectify smoothly: y = log(1 + exp(x)) for each number, any shape (`ActivationSoftplus`, version 1).

    Computed by `logaddexp`, where exp(x) does not overflow.
    """
    return step.xp.logaddexp(0, x)
