"""Predictions and losses of a model, in the shapes that the model declares."""

from collections.abc import Mapping

import numpy as np

from pippin.models.spec import ArrayFeature, ResolvedNetwork, ResolvedSpec
from pippin.models.spec.features import NumberFeature
from pippin.network.arrays import Array, Convolve, Namespace, Weights, to_channels_first
from pippin.network.graph import compute
from pippin.network.losses import LOSSES, loss_blob
from pippin.network.plan import inputs_needed


def predict(
    resolved: ResolvedNetwork,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> dict[str, Array]:
    """The model's outputs by name.

    Args:
        resolved: The model.
        weights: The model's arrays by layer, in the order of the file.
        inputs: The model's inputs by name, [N, *shape] each.
        xp: numpy or jax.numpy.
        convolve: A convolution for devices with a fast one.

    Returns:
        Each output [N, *shape] as declared; a classifier's probabilities, [N, classes], under the name of their blob.
    """
    blobs = output_blobs(resolved)
    return _as_declared(compute(resolved, weights, inputs, blobs, xp=xp, convolve=convolve), blobs, resolved, xp)


def output_blobs(resolved: ResolvedNetwork) -> list[str]:
    """The blobs that a prediction computes: the numeric outputs, and a classifier's probabilities."""
    names = [output.name for output in resolved.outputs if isinstance(output, ArrayFeature | NumberFeature)]
    if resolved.spec.classifier is not None:
        names.append(resolved.probabilities_blob)
    return list(dict.fromkeys(names))


def losses(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> Array:
    """The loss of each example, [N]. Arguments as for `predict`; `inputs` also contains the loss's target."""
    loss_input = loss_blob(resolved)
    blob = compute(resolved, weights, inputs, [loss_input], xp=xp, convolve=convolve)[loss_input]
    return LOSSES[resolved.spec.loss.type](blob, inputs[resolved.training_target], xp)


def losses_and_outputs(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> tuple[Array, dict[str, Array]]:
    """The loss of each example, [N], and the model's outputs, [N, *shape] each, from one pass.

    Outputs that depend on an input missing from `inputs` are left out: a training example may hold fewer inputs than a
    prediction needs.
    """
    loss_input = loss_blob(resolved)
    wanted = [name for name in output_blobs(resolved) if inputs_needed(resolved, [name]) <= inputs.keys()]
    blobs = compute(resolved, weights, inputs, {*wanted, loss_input}, xp=xp, convolve=convolve)
    losses_of_examples = LOSSES[resolved.spec.loss.type](blobs[loss_input], inputs[resolved.training_target], xp)
    return losses_of_examples, _as_declared(blobs, wanted, resolved, xp)


def _as_declared(
    blobs: Mapping[str, Array], names: list[str], resolved: ResolvedNetwork, xp: Namespace
) -> dict[str, Array]:
    declared = {output.name: output.lengths for output in resolved.outputs}
    return {
        # A classifier's probabilities are declared as a dictionary or not at all.
        name: to_channels_first(blobs[name], xp).reshape(blobs[name].shape[0], *(declared.get(name) or (-1,)))
        for name in names
    }
