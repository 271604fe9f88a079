"""The rectifier with a threshold."""

from pippin.models.spec.layers.thresholded_relu import ThresholdedReLU
from pippin.network.arrays import Array
from pippin.network.step import Step


def thresholded_relu(step: Step[ThresholdedReLU], x: Array) -> Array:
    """Rectify: y = x where x >= alpha, else 0, any shape (`ActivationThresholdedReLU`, version 1).

    What is not a number stays so: a training that diverges must show.
    """
    return step.xp.where(x < step.layer.alpha, 0, x)
