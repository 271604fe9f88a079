"""Runs a whole network: from inputs to the blobs that somebody asked for."""

from collections.abc import Collection, Mapping

from pippin.network.arrays import Array, Convolve, Namespace, Weights, to_channels_last
from pippin.network.step import Step
from pippin.network.table import OPERATIONS
from pippin.spec import ResolvedSpec


def run(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    wanted: Collection[str],
    xp: Namespace,
    convolve: Convolve | None,
) -> dict[str, Array]:
    """The blobs named in `wanted`, channels last, computed from `inputs`, channels first."""
    blobs = {name: to_channels_last(array, xp) for name, array in inputs.items()}
    for layer in resolved.layers:
        step = Step(layer, weights.get(layer.layer.name, {}), xp, convolve)
        (output,) = layer.outputs
        blobs[output] = OPERATIONS[layer.layer.type](step, *(blobs[name] for name in layer.inputs))
    return {name: blobs[name] for name in wanted}
