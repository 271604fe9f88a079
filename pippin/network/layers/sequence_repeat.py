"""Repetition of a sequence."""

from pippin.models.spec.layers.sequence_repeat import SequenceRepeat
from pippin.network.arrays import Array
from pippin.network.step import Step


def sequence_repeat(step: Step[SequenceRepeat], x: Array) -> Array:
    """[N, Seq, B, H, W, C] -> [N, n·Seq, B, H, W, C]: y[s] = x[s mod Seq] (`SequenceRepeatLayerParams`, version 1)."""
    return step.xp.tile(x, (1, step.layer.n_repetitions, 1, 1, 1, 1))
