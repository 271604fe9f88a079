"""Does Core ML mean by a file what we mean by it? Seen before the first step, and again after the last.

Apple does not document in which shape and order `parameterValueForKey_error_` gives weights. Were they not the file's,
what is trained would be written back scrambled.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.states import Reason
from pippin.models.mlmodel import Model, Weights
from pippin.network import predict
from worker.engines.coreml.features import FeatureColumn
from worker.engines.coreml.inputs import scaled_inputs
from worker.engines.coreml.predictions import answers
from worker.engines.coreml.weights import read_weight, trained_keys
from worker.engines.engine import EngineError, Examples

_EXAMPLES = 4
# Of the largest output, or of 1. Single precision on the CPU; other units compute in half precision.
_EXACT, _HALF = 1e-3, 3e-2


def check_weights(context_model: Any, model: Model) -> None:  # noqa: ANN401 - an MLModel
    """Compare every weight that training changes with the file's.

    Raises:
        EngineError: One has another shape, order or value.
    """
    for layer, key in trained_keys(model):
        found, wanted = read_weight(context_model, layer, key), model.weights[layer][key]
        what = f"the {key} of layer {layer}"
        if found.shape != wanted.shape:
            raise _differs(f"gives {what} in the shape {list(found.shape)}; the file's is {list(wanted.shape)}")
        # Where Core ML keeps them in half precision they are the file's, rounded.
        if not np.array_equal(found, wanted.astype(found.dtype)):
            worst = np.unravel_index(int(np.abs(found - wanted).argmax()), wanted.shape)
            place = [int(index) for index in worst]
            raise _differs(f"gives {found[worst]} at {place} of {what}; the file has {wanted[worst]}")


def check_predictions(
    context_model: Any,  # noqa: ANN401 - an MLModel
    model: Model,
    weights: Weights,
    examples: Examples,
    columns: tuple[FeatureColumn, ...],
    *,
    exact: bool,
) -> None:
    """Predict a few examples with Core ML and with our own network, from the weights that were read.

    Args:
        context_model: Core ML's model after the training.
        model: The file.
        weights: All weights after the training.
        examples: Where the examples are taken from.
        columns: The same, as Core ML takes them.
        exact: Whether Core ML computed on the CPU alone.

    Raises:
        EngineError: The two do not agree.
    """
    count = min(_EXAMPLES, examples.count)
    theirs = answers(context_model, model, columns, 0, count)
    ours = predict(model.resolved, weights, scaled_inputs(model, examples, slice(0, count)))
    for name, wanted in ours.items():
        if name in theirs:
            _compare(name, theirs[name], wanted, _EXACT if exact else _HALF)


def _compare(name: str, found: NDArray[Any], wanted: NDArray[Any], tolerance: float) -> None:
    if found.size != wanted.size:
        raise _differs(f"predicts {name} in the shape {list(found.shape)}; the file means {list(wanted.shape)}")
    off = np.abs(found.reshape(-1).astype(np.float64) - wanted.reshape(-1))
    limit = tolerance * max(1.0, float(np.abs(wanted).max()))
    # Not `>`, which lets NaN pass.
    if not (off <= limit).all():
        raise _differs(
            f"predicts {name} otherwise than the trained weights do: they differ by up to {off.max():.3g}, "
            f"where {limit:.3g} is what rounding may do"
        )


def _differs(what: str) -> EngineError:
    return EngineError(
        Reason.ENGINE_ERROR, f"Core ML {what}. Nothing was written; train this model with the engine jax, and report it"
    )
