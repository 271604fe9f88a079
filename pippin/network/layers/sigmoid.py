"""The logistic function."""

from pippin.models.spec.layers.sigmoid import Sigmoid
from pippin.network.arrays import Array
from pippin.network.step import Step


def sigmoid(step: Step[Sigmoid], x: Array) -> Array:
    """Squash into (0, 1): y = 1 / (1 + exp(-x)) for each number, any shape (`ActivationSigmoid`).

    Computed as exp(-log(1 + exp(-x))): taken literally, exp(-x) overflows and makes the gradient inf/inf.
    """
    return step.xp.exp(-step.xp.logaddexp(0, -x))
