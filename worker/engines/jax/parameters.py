"""A model's weights as the programs carry them: tuples without names, those that change apart from those that do not.

A compiled program then depends on no layer's name, and what is frozen never leaves the host's copy of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.models.spec import ResolvedSpec

Key = tuple[str, str]


@dataclass(frozen=True)
class Parameters:
    """Which weights are trained and which are not.

    Attributes:
        trained: (layer name, `weights` or `bias`) of what training changes, in the order of the layers.
        frozen: The same for all else.
    """

    trained: tuple[Key, ...]
    frozen: tuple[Key, ...]

    def named(self, trained: tuple[Any, ...], frozen: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
        """Layer name -> `weights` or `bias` -> array."""
        nested: dict[str, dict[str, Any]] = {}
        for keys, arrays in ((self.trained, trained), (self.frozen, frozen)):
            for (layer, key), array in zip(keys, arrays, strict=True):
                nested.setdefault(layer, {})[key] = array
        return nested


def parameters_of(resolved: ResolvedSpec) -> Parameters:
    """The weights of a model, parted by its layers' flag `updatable`."""
    keys = [(layer.layer, key) for layer in resolved.layers for key in layer.weight_shapes]
    return Parameters(
        tuple((layer.name, key) for layer, key in keys if layer.updatable),
        tuple((layer.name, key) for layer, key in keys if not layer.updatable),
    )


def picked(weights: Mapping[str, Mapping[str, NDArray[np.float32]]], keys: tuple[Key, ...]) -> tuple[Any, ...]:
    """The arrays that `keys` name."""
    return tuple(weights[layer][key] for layer, key in keys)
