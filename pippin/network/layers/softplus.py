"""The softplus."""

from pippin.models.spec.layers.softplus import Softplus
from pippin.network.arrays import Array
from pippin.network.step import Step


def softplus(step: Step[Softplus], x: Array) -> Array:
    """Rectify smoothly: y = log(1 + exp(x)) for each number, any shape (`ActivationSoftplus`, version 1).

    Computed by `logaddexp`, where exp(x) does not overflow.
    """
    return step.xp.logaddexp(0, x)
