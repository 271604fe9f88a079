"""Core ML's weights: reads them, compares them with the file's, and checks for values that are not finite."""

from typing import Any

import CoreML
import numpy as np
from numpy.typing import NDArray

from pippin.api.states import Reason
from pippin.models.mlmodel import Model, Weights
from worker.engines.coreml.arrays import from_multi_array
from worker.engines.coreml.errors import checked
from worker.engines.engine import EngineError

_KEYS = {"weights": CoreML.MLParameterKey.weights, "bias": CoreML.MLParameterKey.biases}


def trained_keys(model: Model) -> list[tuple[str, str]]:
    """(layer name, `weights` or `bias`) of all trained weights, in the file's order.

    Raises:
        EngineError: A trained layer has other kinds of weights, for which Core ML has no key.
    """
    keys = [(entry.layer, key) for entry in model.resolved.layers for key in entry.weight_shapes]
    trained = [(layer.name, key) for layer, key in keys if layer.updatable]
    for layer, key in trained:
        if key not in _KEYS:
            raise EngineError(
                Reason.INVALID_MODEL,
                f"Core ML does not return the {key} of layer {layer}; train this model with the engine jax",
            )
    return trained


def read_weight(context_model: Any, layer: str, key: str) -> NDArray[Any]:  # noqa: ANN401 - an MLModel
    """The `weights` or `bias` of a layer, in Core ML's own shape and data type.

    Raises:
        EngineError: Core ML does not return them.
    """
    scoped = _KEYS[key]().scopedTo_(layer)
    array = checked(context_model.parameterValueForKey_error_(scoped, None), f"return the {key} of layer {layer}")
    return from_multi_array(array)


def read_trained(context_model: Any, model: Model) -> Weights:  # noqa: ANN401 - an MLModel
    """The current values of the trained weights, in the file's order.

    Raises:
        EngineError: Core ML does not return them, or returns another shape.
    """
    trained: dict[str, dict[str, NDArray[np.float32]]] = {}
    for layer, key in trained_keys(model):
        array = read_weight(context_model, layer, key)
        shape, expected = list(array.shape), list(model.weights[layer][key].shape)
        if shape != expected:
            raise EngineError(
                Reason.ENGINE_ERROR, f"Core ML returns the {key} of layer {layer} in the shape {shape}, not {expected}"
            )
        trained.setdefault(layer, {})[key] = array.astype(np.float32, copy=False)
    return trained


def all_weights(model: Model, trained: Weights) -> Weights:
    """All weights of `model`, in the file's order, with those in `trained` replaced."""
    return {
        layer: {key: trained.get(layer, {}).get(key, array) for key, array in arrays.items()}
        for layer, arrays in model.weights.items()
    }


def not_finite(weights: Weights) -> str | None:
    """The first weights with a number that is not finite, as in "the bias of layer dense"; None if all are finite."""
    for layer, arrays in weights.items():
        for key, array in arrays.items():
            if not np.isfinite(array).all():
                return f"the {key} of layer {layer}"
    return None


def check_weights(context_model: Any, model: Model) -> None:  # noqa: ANN401 - an MLModel
    """Compare all trained weights with the file's.

    Raises:
        EngineError: The shape, the order or a value differs.
    """
    for layer, key in trained_keys(model):
        actual, expected = read_weight(context_model, layer, key), model.weights[layer][key]
        what = f"the {key} of layer {layer}"
        if actual.shape != expected.shape:
            raise differs(f"returns {what} in the shape {list(actual.shape)}; the file's is {list(expected.shape)}")
        # Core ML may keep weights in half precision, so that the file's are rounded before the comparison.
        if not np.array_equal(actual, expected.astype(actual.dtype)):
            worst = np.unravel_index(int(np.abs(actual - expected).argmax()), expected.shape)
            place = [int(index) for index in worst]
            raise differs(f"returns {actual[worst]} at {place} of {what}; the file has {expected[worst]}")


def differs(what: str) -> EngineError:
    """The error for a file that Core ML reads differently from Pippin; `what` continues the sentence "Core ML ..."."""
    return EngineError(
        Reason.ENGINE_ERROR, f"Core ML {what}. Nothing was written; train this model with the engine jax, and report it"
    )
