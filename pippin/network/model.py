"""A model as its users see it: outputs for inputs, and how wrong they are."""

from collections.abc import Mapping

import numpy as np

from pippin.network.arrays import Array, Convolve, Namespace, Weights, to_channels_first
from pippin.network.graph import compute
from pippin.network.losses import LOSSES, judged_blob
from pippin.spec import ResolvedSpec


def predict(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> dict[str, Array]:
    """The model's outputs by name.

    Args:
        resolved: The model.
        weights: Its arrays by layer, in the order of the file.
        inputs: The model's inputs by name, [N, *shape] each.
        xp: numpy or jax.numpy.
        convolve: The caller's own convolution, for a device that has a good one.

    Returns:
        [N, *shape] each.
    """
    wanted = [output.name for output in resolved.spec.outputs]
    return _channels_first(compute(resolved, weights, inputs, wanted, xp=xp, convolve=convolve), wanted, xp)


def losses(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> Array:
    """The loss of each example, [N]. Arguments as for `predict`; `inputs` hold the loss's target too."""
    judged = judged_blob(resolved)
    blob = compute(resolved, weights, inputs, [judged], xp=xp, convolve=convolve)[judged]
    return LOSSES[resolved.spec.loss.type](blob, inputs[resolved.training_target], xp)


def losses_and_outputs(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> tuple[Array, dict[str, Array]]:
    """The loss of each example, [N], and the model's outputs, [N, *shape] each, from one pass."""
    judged = judged_blob(resolved)
    wanted = [output.name for output in resolved.spec.outputs]
    blobs = compute(resolved, weights, inputs, {*wanted, judged}, xp=xp, convolve=convolve)
    found = LOSSES[resolved.spec.loss.type](blobs[judged], inputs[resolved.training_target], xp)
    return found, _channels_first(blobs, wanted, xp)


def _channels_first(blobs: Mapping[str, Array], names: list[str], xp: Namespace) -> dict[str, Array]:
    return {name: to_channels_first(blobs[name], xp) for name in names}
