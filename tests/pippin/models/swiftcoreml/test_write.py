import copy
import json
from typing import Any

import numpy as np
import pytest

from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import initial_weights
from pippin.models.swiftcoreml import SwiftDocumentError, from_swift, to_swift
from tests.pippin.models.swiftcoreml.documents import dense
from tests.pippin.models.swiftcoreml.layer_cases import CASES
from tests.support.specs import DENSE, SOFTMAX, small_spec

Document = dict[str, Any]

SGD = {
    "type": "sgd",
    "learning_rate": {"default": 0.1, "min": 0, "max": 1},
    "mini_batch_size": {"default": 2, "set": [1, 2]},
    "momentum": {"default": 0.9, "min": 0, "max": 1},
}


def _resolved(document: object) -> Document:
    return resolve(document).spec.document()


def _faults(spec: Document) -> dict[str, str]:
    with pytest.raises(SwiftDocumentError) as raised:
        to_swift(spec)
    return {fault.pointer: fault.detail for fault in raised.value.faults}


def sayable(**changes: object) -> Document:
    """A spec that the library can say."""
    layers = [DENSE | {"initializer": "glorot_uniform"}, SOFTMAX]
    return small_spec(**{"layers": layers, "optimizer": SGD, "epochs": {"default": 3, "set": [3]}} | changes)


def test_library_test_model_round_trips() -> None:
    document = dense()
    assert to_swift(_resolved(from_swift(document).spec)) == document


@pytest.mark.parametrize(("theirs", "base", "ours", "layer"), CASES)
def test_every_layer_type_is_written_with_all_its_keys(theirs: str, base: Document, ours: str, layer: Document) -> None:
    spec = _resolved(from_swift(dense()).spec)
    names = {"name": "layer1", "input": "dense_input", "output": "output"}
    swift = to_swift(spec | {"layers": [{"type": ours, **names, **layer}]})
    (written,) = swift["neuralNetwork"]["layers"]
    expected = {"name": "layer1", "input": ["dense_input"], "output": ["output"], **base}
    if ours == "deconvolution":
        expected["dilationFactor"] = [1, 1]
    assert written == {"type": theirs, "base": expected}


# Each is a chain of layers on an image of three channels, eight high and eight wide.
CHAINS: dict[str, list[dict[str, object]]] = {
    "convolution": [
        {"type": "convolution", "name": "c", "output_channels": 4, "kernel_size": [3, 2], "stride": [2, 1],
         "dilation": [1, 2], "padding": "same", "initializer": "glorot_uniform"},
        {"type": "sigmoid", "name": "a"},
    ],
    "padding": [
        {"type": "convolution", "name": "c", "output_channels": 4, "kernel_size": [1, 1],
         "padding": {"type": "valid", "borders": [[1, 0], [0, 2]]}, "initializer": "glorot_uniform"},
        {"type": "pooling", "name": "p", "pooling_type": "average", "kernel_size": [3, 3], "stride": [2, 2],
         "padding": {"type": "include_last_pixel", "amounts": [1, 1]}, "avg_pool_exclude_padding": False},
        {"type": "tanh", "name": "a"},
    ],
    "deconvolution": [
        {"type": "deconvolution", "name": "d", "output_channels": 2, "kernel_size": [2, 2], "stride": [2, 2],
         "output_shape": [15, 15], "initializer": "glorot_uniform"},
        {"type": "pooling", "name": "p", "pooling_type": "l2", "global_pooling": True},
    ],
    "shapes": [
        {"type": "permute", "name": "p", "axis": [0, 2, 3, 1]},
        {"type": "concat", "name": "c", "input": ["p", "p"]},
        {"type": "flatten", "name": "first", "mode": "channel_first"},
    ],
    "activations": [
        {"type": "linear", "name": "a", "alpha": 2.0, "beta": 0.5},
        {"type": "relu", "name": "b"},
        {"type": "leaky_relu", "name": "c", "alpha": 0.1},
        {"type": "thresholded_relu", "name": "d", "alpha": 0.1},
        {"type": "prelu", "name": "e"},
        {"type": "scaled_tanh", "name": "f", "alpha": 1.7, "beta": 0.6},
        {"type": "sigmoid_hard", "name": "g", "alpha": 0.2, "beta": 0.5},
        {"type": "elu", "name": "h", "alpha": 1.5},
        {"type": "softsign", "name": "i"},
        {"type": "softplus", "name": "j"},
        {"type": "parametric_softplus", "name": "k"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_model_round_trips(name: str) -> None:
    chain = [*CHAINS[name], {"type": "flatten", "name": "flat"}, DENSE | {"initializer": "glorot_uniform"}, SOFTMAX]
    spec = _resolved(sayable(inputs=[{"name": "x", "shape": [3, 8, 8]}], layers=chain))
    assert _resolved(from_swift(to_swift(spec)).spec) == spec


def test_embedding_round_trips() -> None:
    embedding = {"type": "embedding", "name": "e", "input_dim": 2, "output_channels": 3, "has_bias": False,
                 "weights": [[1, 2], [3, 4], [5, 6]]}  # fmt: skip
    layers = [embedding, DENSE | {"initializer": "glorot_uniform"}, SOFTMAX]
    spec = _resolved(sayable(inputs=[{"name": "x", "shape": [1]}], layers=layers))
    assert _resolved(from_swift(to_swift(spec)).spec) == spec


def test_given_weights_are_written_nested() -> None:
    weights = [[row * 4 + column for column in range(4)] for row in range(3)]
    layers = [DENSE | {"weights": weights, "bias": [1, 2, 3]}, SOFTMAX]
    spec = _resolved(sayable(layers=layers))
    swift = to_swift(spec)
    assert swift["neuralNetwork"]["layers"][0]["base"]["weight"] == list(range(12))
    assert _resolved(from_swift(swift).spec) == spec


def test_a_bias_left_at_zero_is_written_out() -> None:
    swift = to_swift(_resolved(sayable(layers=[DENSE | {"weights": [[0.0] * 4] * 3}, SOFTMAX])))
    assert swift["neuralNetwork"]["layers"][0]["base"]["bias"] == [0, 0, 0]


def test_preset_round_trips_with_supported_limits() -> None:
    spec: Document = preset("mnist-cnn")
    spec["optimizer"] |= {
        "mini_batch_size": {"default": 128, "set": [64, 128]},
        "beta1": {"default": 0.9, "min": 0, "max": 1},
        "beta2": {"default": 0.999, "min": 0, "max": 1},
        "eps": {"default": 1e-8, "min": 0, "max": 1e-8},
    }
    spec["epochs"] = {"default": 10, "set": [10]}
    # Half a million weights as JSON take seconds, and prove no more than a few thousand.
    next(layer for layer in spec["layers"] if layer["name"] == "hidden1")["output_channels"] = 20
    resolved = resolve(spec)
    document: Document = resolved.spec.document()
    assert set(_faults(document)) == {f"/layers/{index}/initializer" for index in (0, 3, 7, 9)}

    weights = initial_weights(resolved)
    back = resolve(from_swift(to_swift(document, weights)).spec)
    for layer, arrays in initial_weights(back).items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, weights[layer][key])

    for layer in document["layers"]:
        if "initializer" in layer:
            layer["initializer"] = "glorot_uniform"
    assert _resolved(from_swift(to_swift(document)).spec) == document


def test_written_document_is_json_and_shares_no_objects() -> None:
    spec = from_swift(dense({"neuralNetwork.layers.0": {
        "type": "convolution",
        "base": {"name": "c", "input": ["dense_input"], "output": ["output"], **CASES[2][1]},
    }})).spec  # fmt: skip
    first = to_swift(spec)
    before = copy.deepcopy(first)
    assert json.loads(json.dumps(first)) == first
    first["neuralNetwork"]["layers"][0]["base"]["outputShape"].append(1)
    assert to_swift(spec) == before


UNSAYABLE: list[tuple[Document, str, str]] = [
    ({"layers": [DENSE, SOFTMAX]}, "/layers/0/initializer", "found 'he_uniform'; SwiftCoreMLTools draws only"),
    ({"layers": [DENSE | {"initializer": "glorot_uniform", "bias": [1, 2, 3]}, SOFTMAX]}, "/layers/0/bias",
     "found a bias without weights"),
    ({"layers": [DENSE | {"weights": [[0.0] * 4] * 3, "has_bias": False}, SOFTMAX]}, "/layers/0/has_bias",
     "found false; SwiftCoreMLTools' innerProduct has only true"),
    ({"inputs": [{"name": "x", "shape": [4], "type": "double"}]}, "/inputs/0/type", "has only float and int"),
    ({"version_string": "1.0"}, "/version_string", "found '1.0'; SwiftCoreMLTools knows only ''"),
    ({"seed": 7}, "/seed", "found 7; SwiftCoreMLTools knows only 0"),
    ({"initial_seed": 7}, "/initial_seed", "found 7; SwiftCoreMLTools draws without a seed"),
    ({"epochs": 3}, "/epochs", "found 3 without limits; SwiftCoreMLTools has only a default and a set"),
    ({"epochs": {"default": 3, "min": 1, "max": 5}}, "/epochs", "found a range from 1 to 5"),
    ({"optimizer": SGD | {"momentum": ...}}, "/optimizer/momentum", "found nothing; SwiftCoreMLTools has only"),
    ({"optimizer": SGD | {"learning_rate": {"default": 0.1, "min": 0.1, "max": 1}}}, "/optimizer/learning_rate",
     "found a range from 0.1 to 1.0; SwiftCoreMLTools has only a default and a range from 0"),
    ({"optimizer": SGD | {"learning_rate": 0.1}}, "/optimizer/learning_rate", "found 0.1 without limits"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "pointer", "detail"), UNSAYABLE)
def test_inexpressible_value_is_a_fault(changes: Document, pointer: str, detail: str) -> None:
    spec = sayable(**changes)
    spec["optimizer"] = {key: value for key, value in spec["optimizer"].items() if value is not ...}
    faults = _faults(_resolved(spec))
    assert pointer in faults
    assert detail in faults[pointer]
    assert all(at == pointer or at.startswith("/training_inputs") for at in faults)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"layers": [{"type": "batchnorm", "name": "b", "input": "x", "output": "y"}]}, "/layers/0/type"),
        ({"classifier": {"labels": ["a"]}}, "/classifier"),
        ({"array_input_shape_mapping": "exact"}, "/array_input_shape_mapping"),
    ],
)
def test_unsupported_parts_are_faults(changes: Document, pointer: str) -> None:
    assert list(_faults(_resolved(sayable()) | changes)) == [pointer]


def test_unsupported_layer_parameter_is_a_fault() -> None:
    prelu = {"type": "prelu", "name": "p", "input": "x", "output": "y", "updatable": False}
    spec = _resolved(sayable())
    assert to_swift(spec | {"layers": [prelu]})["neuralNetwork"]["layers"][0]["type"] == "pReLu"
    faults = _faults(spec | {"layers": [prelu | {"alpha": [0.25]}]})
    assert faults == {"/layers/0/alpha": "found [0.25]; SwiftCoreMLTools' pReLu has no such field"}


def test_unresolved_spec_gets_faults_for_missing_fields() -> None:
    spec = _resolved(sayable())
    del spec["layers"][0]["input_channels"]
    assert _faults(spec) == {"/layers/0/input_channels": "is required; needs a resolved spec"}
