"""Concatenation: blobs one behind the other."""

from pippin.models.spec.layers.concat import Concat
from pippin.network.arrays import Array
from pippin.network.step import Step


def concat(step: Step[Concat], *blobs: Array) -> Array:
    """[N, ..., H, W, C1], [N, ..., H, W, C2], ... -> [N, ..., H, W, C1 + C2 + ...] (`ConcatLayerParams`, version 1).

    Along the sequence it is [N, Seq1, B, H, W, C], ... -> [N, Seq1 + ..., B, H, W, C].
    """
    return step.xp.concatenate(blobs, axis=-5 if step.layer.sequence_concat else -1)
