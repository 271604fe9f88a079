"""A model as its users see it: outputs for inputs, and the loss of each training example."""

from collections.abc import Mapping

import numpy as np

from pippin.network.arrays import Array, Convolve, Namespace, Weights, to_channels_first, to_channels_last
from pippin.network.graph import run
from pippin.network.losses import cross_entropy, mean_squared_error
from pippin.spec import ResolvedSpec


def predict(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> dict[str, Array]:
    """The model's outputs, each [N, *shape as declared], for `inputs`, each [N, *shape as declared]."""
    names = [output.name for output in resolved.spec.outputs]
    blobs = run(resolved, weights, inputs, names, xp, convolve)
    return {name: to_channels_first(blob, xp) for name, blob in blobs.items()}


def losses(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> Array:
    """The loss of each example, [N]; `inputs` hold the target too, under its training input's name."""
    return losses_and_outputs(resolved, weights, inputs, xp, convolve)[0]


def losses_and_outputs(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    xp: Namespace = np,
    convolve: Convolve | None = None,
) -> tuple[Array, dict[str, Array]]:
    """The loss of each example, [N], and the model's outputs, from one pass."""
    loss = resolved.spec.loss
    features = {name: array for name, array in inputs.items() if name != resolved.training_target}
    target = inputs[resolved.training_target]
    names = [output.name for output in resolved.spec.outputs]
    cross = loss.type == "categorical_cross_entropy"
    judged = _input_of_softmax(resolved, loss.input) if cross else loss.input
    blobs = run(resolved, weights, features, {*names, judged}, xp, convolve)
    outputs = {name: to_channels_first(blobs[name], xp) for name in names}
    if cross:
        return cross_entropy(blobs[judged], target, xp), outputs
    return mean_squared_error(blobs[judged], to_channels_last(target, xp)), outputs


def _input_of_softmax(resolved: ResolvedSpec, blob: str) -> str:
    return next(layer.inputs[0] for layer in resolved.layers if blob in layer.outputs)
