"""Permutation of the axes."""

from pippin.models.spec.layers.permute import Permute
from pippin.network.arrays import Array
from pippin.network.step import Step, in_file_order


@in_file_order
def permute(step: Step[Permute], x: Array) -> Array:
    """Reorder: [N, Seq, B, C, H, W] -> the same with all axes but N and B in the order of `axis`.

    Axis k of the output is axis `axis[k]` of the input, N and B not counted (`PermuteLayerParams`, version 1).
    """
    return step.xp.transpose(x, (0, *(place + 1 for place in step.layer.order)))
