"""Examples as our own network takes them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel import Model
from worker.engines.engine import Examples


def scaled_inputs(model: Model, examples: Examples, rows: slice) -> dict[str, NDArray[Any]]:
    """The model's inputs of some examples, [n, *shape] each, after the scale of the data: those that examples hold."""
    return {
        feature.name: scaled(examples, feature.name, rows).reshape(-1, *feature.lengths)
        for feature in model.resolved.inputs
        if feature.name in model.resolved.training_input_names
    }


def scaled(examples: Examples, name: str, rows: slice) -> NDArray[np.float32]:
    """The values of a training input that holds plain numbers."""
    return np.asarray(examples.arrays[name][rows], np.float32) * np.float32(examples.scales.get(name, 1.0))
