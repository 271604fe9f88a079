"""The softsign."""

from pippin.models.spec.layers.softsign import Softsign
from pippin.network.arrays import Array
from pippin.network.step import Step


def softsign(step: Step[Softsign], x: Array) -> Array:
    """Squash into (-1, 1): y = x / (1 + |x|) for each number, any shape (`ActivationSoftsign`, version 1)."""
    return x / (1 + step.xp.abs(x))
