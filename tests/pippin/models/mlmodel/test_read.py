"""Reading of built files, and the messages of refused ones."""

from typing import Any

import numpy as np
import pytest
from coremltools.proto.NeuralNetwork_pb2 import WeightParams
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pippin.models.mlmodel import ModelFileError, build, read
from pippin.models.mlmodel.proto import Message, serialize
from pippin.models.spec import resolve
from pippin.models.spec.weights import initial_weights
from tests.pippin.models.mlmodel.files import message_in, small_file, spoiled
from tests.support.specs import DENSE, SOFTMAX, small_spec


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_built_file_reads_back_with_equal_spec_and_weights(
    data: st.DataObject, chains: st.SearchStrategy[dict[str, Any]]
) -> None:
    resolved = resolve(data.draw(chains))
    model = read(build(resolved))
    assert model.resolved == resolved
    expected = initial_weights(resolved)
    assert model.weights.keys() == expected.keys()
    for layer, arrays in expected.items():
        assert model.weights[layer].keys() == arrays.keys()
        for key, array in arrays.items():
            assert np.array_equal(model.weights[layer][key], array)
    assert build(model.resolved, model.weights) == build(resolved)


def test_given_weights_are_read_back_as_arrays() -> None:
    layers = [DENSE | {"weights": [[1, 2, 3, 4]] * 3, "bias": [5, 6, 7]}, SOFTMAX]
    model = read(small_file(layers=layers))
    assert model.weights["dense"]["weights"].tolist() == [[1, 2, 3, 4]] * 3
    assert model.weights["dense"]["bias"].tolist() == [5, 6, 7]
    assert model.resolved == resolve(small_spec())


def test_pippin_keys_are_metadata_but_not_user_defined() -> None:
    def annotate(model: Message) -> None:
        model.description.metadata.userDefined.update({"pippin.epochs": "3", "mine": "1"})

    model = read(spoiled(annotate))
    assert model.metadata == {"pippin.epochs": "3", "mine": "1"}
    assert model.resolved.spec.user_defined == {"mine": "1"}


def test_frozen_layer_may_have_weights_marked_updatable() -> None:
    model = message_in(small_file(layers=[DENSE | {"name": "lower"}, DENSE, SOFTMAX]))
    layer(model).isUpdatable = False
    assert dense(model).weights.isUpdatable
    lower, upper, _ = read(serialize(model)).resolved.spec.layers
    assert (lower.updatable, upper.updatable) == (False, True)


def test_a_file_without_shuffle_does_not_shuffle() -> None:
    spec = read(spoiled(lambda model: model.neuralNetwork.updateParams.ClearField("shuffle"))).resolved.spec
    assert spec.shuffle is False


def layer(model: Message, index: int = 0) -> Message:
    return model.neuralNetwork.layers[index]


def dense(model: Message) -> Message:
    return layer(model).innerProduct


def update(model: Message) -> Message:
    return model.neuralNetwork.updateParams


def array(model: Message) -> Message:
    return model.description.input[0].type.multiArrayType


HARMS = {
    "the model is not updatable": lambda model: model.ClearField("isUpdatable"),
    "no version": lambda model: model.ClearField("specificationVersion"),
    "feature 'x' is optional": lambda model: setattr(model.description.input[0].type, "isOptional", True),
    "of flexible shape": lambda model: array(model).shapeRange.sizeRanges.add(),
    "data type 65552": lambda model: setattr(array(model), "dataType", 65552),
    "0 loss layers": lambda model: update(model).ClearField("lossLayers"),
    "2 loss layers": lambda model: update(model).lossLayers.add(),
    "/loss: is required": lambda model: update(model).lossLayers[0].ClearField("categoricalCrossEntropyLossLayer"),
    "/optimizer: is required": lambda model: update(model).ClearField("optimizer"),
    "/optimizer/mini_batch_size: is required": lambda model: update(model).optimizer.sgdOptimizer.ClearField(
        "miniBatchSize"
    ),
    "/epochs: is required": lambda model: update(model).ClearField("epochs"),
    "found 0; needs 1 or more": lambda model: setattr(update(model).epochs, "defaultValue", 0),
    "/training_inputs": lambda model: model.description.ClearField("trainingInput"),
    "/layers: found no updatable layer": lambda model: setattr(layer(model), "isUpdatable", False),
    "weights of layer 'dense' are not marked": lambda model: dense(model).weights.ClearField("isUpdatable"),
    "bias of layer 'dense' are not marked": lambda model: dense(model).bias.ClearField("isUpdatable"),
    "weights of layer 'dense' are quantised": lambda model: dense(model).weights.quantization.SetInParent(),
    "weights of layer 'dense' are 13 numbers": lambda model: dense(model).weights.floatValue.append(1),
    "bias of layer 'dense' are 0 numbers": lambda model: dense(model).bias.ClearField("floatValue"),
    "3 bytes of half floats": lambda model: dense(model).weights.CopyFrom(
        WeightParams(float16Value=b"abc", isUpdatable=True)
    ),
    "weights of layer 'dense' are stored as floatValue and float16Value; needs one of them": lambda model: setattr(
        dense(model).weights, "float16Value", bytes(24)
    ),
    "quantises its input": lambda model: setattr(dense(model), "int8DynamicQuantize", True),
    "layer 1 (custom) is not known; known kinds are activation.ELU, ": lambda model: layer(
        model, 1
    ).custom.SetInParent(),
    "layer 1 (transpose) is not known; known kinds are activation.ELU, ": lambda model: layer(
        model, 1
    ).transpose.SetInParent(),
    "layer 1 (of no kind) is not known; known kinds are activation.ELU, ": lambda model: layer(model, 1).ClearField(
        "softmax"
    ),
    "found no padding type": lambda model: layer(model).convolution.SetInParent(),
    "asymmetry mode 2": lambda model: setattr(layer(model).pooling.same, "asymmetryMode", 2),
    "found pooling type 3": lambda model: setattr(layer(model).pooling, "type", 3),
    "feature 'x' is of kind sequenceType": lambda model: model.description.input[0].type.sequenceType.SetInParent(),
    "preprocessing of ''": lambda model: setattr(model.neuralNetwork.preprocessing.add().scaler, "channelScale", 1),
    "is an image of colour space 0": lambda model: model.description.input[0].type.imageType.SetInParent(),
    "found flatten mode 7": lambda model: setattr(layer(model).flatten, "mode", 7),
    "/layers/0/input": lambda model: layer(model).input.append("x"),
    "/layers/0/output": lambda model: layer(model).ClearField("output"),
    "/version: found 99": lambda model: setattr(model, "specificationVersion", 99),
    "/initial_seed": lambda model: model.description.metadata.userDefined.update({"pippin.initial_seed": "x"}),
    "/layers/0/initializer": lambda model: model.description.metadata.userDefined.update(
        {"pippin.initializer.dense": "magic"}
    ),
}


@pytest.mark.parametrize("said", HARMS)
def test_untrainable_model_is_refused_with_a_reason(said: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        read(spoiled(HARMS[said]))
    assert said in str(raised.value)


def test_truncated_file_is_refused() -> None:
    data = small_file()
    for length in range(len(data)):
        with pytest.raises(ModelFileError):
            read(data[:length])


@settings(max_examples=100)
@given(data=st.data())
def test_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    file = bytearray(small_file())
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        model = read(bytes(file))
    except ModelFileError:
        return
    assert resolve(model.resolved.spec) == model.resolved


@pytest.mark.parametrize(
    ("default", "limits", "is_right"),
    [
        (5, {"range": (3, 9)}, True),
        (-5, {"range": (-9, -1)}, True),
        (0, {"range": (3, 9)}, False),
        (0, {"set": (3, 9)}, False),
        (0, {"set": ()}, False),
        (3, {"set": (3, -9)}, True),
        (-(2**63), {}, True),
    ],
)
def test_seed_must_be_within_its_limits(default: int, limits: dict[str, tuple[int, ...]], *, is_right: bool) -> None:
    def limit(model: Message) -> None:
        seed = model.neuralNetwork.updateParams.seed
        seed.defaultValue = default
        if "range" in limits:
            seed.range.minValue, seed.range.maxValue = limits["range"]
        if "set" in limits:
            seed.set.SetInParent()
            seed.set.values.extend(limits["set"])

    data = spoiled(limit)
    if is_right:
        model = read(data)
        assert model.resolved.spec.seed.default == default
        assert build(model.resolved, model.weights) == data
    else:
        with pytest.raises(ModelFileError, match="/seed"):
            read(data)
