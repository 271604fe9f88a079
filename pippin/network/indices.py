"""Whether what an embedding looks up is there: `compute` takes the nearest index for one that is not."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pippin.models.spec import ResolvedLayer, ResolvedNetwork
from pippin.models.spec.layers.dense import Embedding
from pippin.network.arrays import Array, Weights
from pippin.network.graph import compute
from pippin.network.plan import inputs_needed

# How far from a whole number rounding may have taken an index that layers compute.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class WrongIndex:
    """A number that an embedding cannot look up.

    Attributes:
        layer: The embedding.
        blob: What it reads: a model input, or what a layer makes.
        row: The example.
        value: The number.
        known: How many indices the embedding knows.
    """

    layer: str
    blob: str
    row: int
    value: float
    known: int

    @property
    def needed(self) -> str:
        """What would be right."""
        return f"a whole number from 0 to {self.known - 1}, which the embedding {self.layer!r} looks up"


def embeddings(resolved: ResolvedNetwork) -> list[ResolvedLayer]:
    """The layers that look up indices."""
    return [entry for entry in resolved.layers if isinstance(entry.layer, Embedding)]


def wrong_index(resolved: ResolvedNetwork, weights: Weights, inputs: Mapping[str, Array]) -> WrongIndex | None:
    """The first number that an embedding is asked to look up and does not know; None where there is none.

    Args:
        resolved: The network.
        weights: Its arrays by layer, for the layers between the inputs and an embedding.
        inputs: By name, [N, *shape]. An embedding that depends on an input which is not there is not looked at.
    """
    for entry in embeddings(resolved):
        assert isinstance(entry.layer, Embedding)
        blob, known = entry.inputs[0], entry.layer.input_dim
        if not inputs_needed(resolved, [blob]) <= inputs.keys():
            continue
        with np.errstate(all="ignore"):
            values = compute(resolved, weights, inputs, [blob], xp=np, convolve=None)[blob]
            numbers = np.asarray(values).reshape(len(values), -1)
            nearest = np.rint(numbers)
            right = (nearest >= 0) & (nearest < known) & (np.abs(numbers - nearest) <= _ROUNDING)
        wrong = np.argwhere(~right)
        if len(wrong):
            row, place = wrong[0].tolist()
            return WrongIndex(entry.layer.name, blob, row, float(numbers[row, place]), known)
    return None
