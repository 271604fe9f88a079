"""The rectifier with a slope for each channel."""

from pippin.models.spec.layers.prelu import PReLU
from pippin.network.arrays import Array
from pippin.network.step import Step


def prelu(step: Step[PReLU], x: Array) -> Array:
    """Rectify in part: y = x where x >= 0, else alpha[c] * x (`ActivationPReLU`, version 1).

    [N, ..., H, W, C] -> the same; alpha is [C], or [1] for all channels.
    """
    return step.xp.where(x >= 0, x, step.weights["alpha"] * x)
