"""Computes a network: from the model's inputs to the blobs that somebody wants."""

from collections.abc import Collection, Mapping

from pippin.network.arrays import Array, Convolve, Namespace, Weights, to_channels_last
from pippin.network.plan import plan
from pippin.network.step import Step
from pippin.spec import ResolvedSpec


def compute(
    resolved: ResolvedSpec,
    weights: Weights,
    inputs: Mapping[str, Array],
    wanted: Collection[str],
    *,
    xp: Namespace,
    convolve: Convolve | None,
) -> dict[str, Array]:
    """The blobs named in `wanted`, channels last, from `inputs`, channels first."""
    blobs = {name: to_channels_last(array, xp) for name, array in inputs.items()}
    for task in plan(resolved, wanted, join=convolve is None):
        steps = (Step(entry.layer, weights.get(entry.layer.name, {}), xp, convolve) for entry in task.layers)
        made = task.compute(*steps, *(blobs[name] for name in task.inputs))
        blobs.update(zip(task.outputs, made if isinstance(made, tuple) else (made,), strict=True))
    return {name: blobs[name] for name in wanted}
