"""Splitting the channels in equal runs."""

from pippin.models.spec.layers.split import Split
from pippin.network.arrays import Array
from pippin.network.step import Step


def split(step: Step[Split], x: Array) -> tuple[Array, ...]:
    """[N, ..., H, W, C] -> n_outputs times [N, ..., H, W, C / n_outputs] (`SplitLayerParams`, version 1)."""
    return tuple(step.xp.split(x, step.layer.n_outputs, axis=-1))
