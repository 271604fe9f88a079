"""The logistic function's straight-lined cousin."""

from pippin.models.spec.layers.sigmoid_hard import SigmoidHard
from pippin.network.arrays import Array
from pippin.network.step import Step


def sigmoid_hard(step: Step[SigmoidHard], x: Array) -> Array:
    """Cut off: y = min(max(alpha * x + beta, 0), 1) for each number, any shape (`ActivationSigmoidHard`, version 1).

    The gradient is 0 where the line meets 0 and 1, and what is not a number stays so.
    """
    line = step.layer.alpha * x + step.layer.beta
    return step.xp.where(line <= 0, 0, step.xp.where(line >= 1, 1, line))
