"""Computes a network: from the model's inputs to the requested blobs."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from pippin.models.spec import Feature, ImageFeature, ResolvedNetwork, Shape
from pippin.network.arrays import Array, Convolve, Namespace, Weights, to_channels_last
from pippin.network.plan import plan
from pippin.network.step import Step


def compute(
    resolved: ResolvedNetwork,
    weights: Weights,
    inputs: Mapping[str, Array],
    wanted: Collection[str],
    *,
    xp: Namespace,
    convolve: Convolve | None,
) -> dict[str, Array]:
    """The blobs named in `wanted`, in the layout between layers, from `inputs` in the declared layout.

    Inputs on which no blob of `wanted` depends may be left out, but at least one input is required, since it determines
    the number of examples.
    """
    blobs = {
        feature.name: _entering(
            feature, inputs[feature.name], resolved.shapes[feature.name], resolved.mean_images.get(feature.name), xp
        )
        for feature in resolved.inputs
        if feature.name in inputs
    }
    examples = next(iter(blobs.values())).shape[0]
    for task in plan(resolved, wanted, join=convolve is None):
        steps = (Step(entry.layer, weights.get(entry.layer.name, {}), xp, convolve, examples) for entry in task.layers)
        result = task.compute(*steps, *(blobs[name] for name in task.inputs))
        blobs.update(zip(task.outputs, result if isinstance(result, tuple) else (result,), strict=True))
    return {name: blobs[name] for name in wanted}


def _entering(feature: Feature, value: Array, shape: Shape, mean: NDArray[np.float32] | None, xp: Namespace) -> Array:
    """An input, [N, *declared] -> [N, *shape], in the layout between layers; an image after its scaler or its `mean`.

    The channels of a given image are gray, or red, green, blue, regardless of the order that the model uses.
    """
    x = to_channels_last(value.reshape(value.shape[0], *shape), xp)
    if isinstance(feature, ImageFeature):
        if feature.color == "bgr":
            x = x[..., ::-1]
        if mean is not None:
            x = x - xp.asarray(np.moveaxis(mean, 0, -1), dtype=x.dtype)
        if feature.scale != 1 or any(feature.biases):
            bias = feature.biases[0] if len(set(feature.biases)) == 1 else xp.asarray(feature.biases, dtype=x.dtype)
            x = x * feature.scale + bias
    return x
