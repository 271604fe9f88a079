"""The mean of several blobs."""

from functools import reduce
from operator import add

from pippin.models.spec.layers.average import Average
from pippin.network.arrays import Array
from pippin.network.step import Step


def average(step: Step[Average], *blobs: Array) -> Array:  # noqa: ARG001 - the step has nothing to say
    """Average: y = (x1 + ... + xn) / n for each number (`AverageLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others.
    """
    return reduce(add, blobs) / len(blobs)
