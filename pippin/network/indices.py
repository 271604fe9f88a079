"""Validates the indices that embeddings look up, since `compute` replaces an invalid index by the nearest valid one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pippin.models.spec import ResolvedLayer, ResolvedNetwork
from pippin.models.spec.layers.dense import Embedding
from pippin.network.arrays import Array, Weights
from pippin.network.graph import compute
from pippin.network.plan import inputs_needed

# The largest rounding error of an index that layers compute.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class WrongIndex:
    """A number that an embedding cannot look up.

    Attributes:
        layer: The name of the embedding.
        blob: The embedding's input: a model input or a layer's output.
        row: The index of the example.
        value: The invalid number.
        known: The number of the embedding's valid indices.
    """

    layer: str
    blob: str
    row: int
    value: float
    known: int

    @property
    def needed(self) -> str:
        """The valid values, for an error message."""
        return f"a whole number from 0 to {self.known - 1}, which the embedding {self.layer!r} looks up"


def embeddings(resolved: ResolvedNetwork) -> list[ResolvedLayer]:
    """The layers that look up indices."""
    return [entry for entry in resolved.layers if isinstance(entry.layer, Embedding)]


def wrong_index(resolved: ResolvedNetwork, weights: Weights, inputs: Mapping[str, Array]) -> WrongIndex | None:
    """The first invalid index in the input of an embedding; None if all indices are valid.

    Args:
        resolved: The network.
        weights: The network's arrays by layer, for the layers between the inputs and an embedding.
        inputs: Inputs by name, [N, *shape]. An embedding that depends on a missing input is not checked.
    """
    for entry in embeddings(resolved):
        assert isinstance(entry.layer, Embedding)
        blob, size = entry.inputs[0], entry.layer.input_dim
        if not inputs_needed(resolved, [blob]) <= inputs.keys():
            continue
        with np.errstate(all="ignore"):
            values = compute(resolved, weights, inputs, [blob], xp=np, convolve=None)[blob]
            numbers = np.asarray(values).reshape(len(values), -1)
            nearest = np.rint(numbers)
            is_valid = (nearest >= 0) & (nearest < size) & (np.abs(numbers - nearest) <= _ROUNDING)
        invalid = np.argwhere(~is_valid)
        if len(invalid):
            row, place = invalid[0].tolist()
            return WrongIndex(entry.layer.name, blob, row, float(numbers[row, place]), size)
    return None
