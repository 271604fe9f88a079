"""Changing the weights of a file, and stripping it for inference."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pippin.mlmodel import ModelFileError, inference_variant, read, with_weights
from pippin.mlmodel.proto import Message

MakeFile = Callable[..., bytes]
Parse = Callable[[bytes], Message]
Spoil = Callable[[Callable[[Message], object]], bytes]

WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)
BIAS = np.array([1, 2, 3], dtype=np.float32)


def test_new_weights_are_read_back(small_file: MakeFile) -> None:
    found = read(with_weights(small_file(), {"dense": {"weights": WEIGHTS, "bias": BIAS}})).weights["dense"]
    assert np.array_equal(found["weights"], WEIGHTS)
    assert np.array_equal(found["bias"], BIAS)


def test_all_else_stays_as_it_is(small_file: MakeFile) -> None:
    before = small_file(user_defined={"a": "1"}, epochs={"default": 3, "max": 9})
    old = read(before).weights
    changed = with_weights(before, {"dense": {"bias": BIAS}}, {"b": "2"})
    assert np.array_equal(read(changed).weights["dense"]["weights"], old["dense"]["weights"])
    assert read(changed).metadata == {"a": "1", "b": "2"}
    assert read(changed).resolved.spec.epochs == read(before).resolved.spec.epochs
    assert with_weights(before, old) == before


def test_half_precision_gives_way_to_full(spoiled: Spoil, message_in: Parse) -> None:
    def halve(model: Message) -> None:
        weights = model.neuralNetwork.layers[0].innerProduct.weights
        weights.ClearField("floatValue")
        weights.float16Value = bytes(24)

    blob = (
        message_in(with_weights(spoiled(halve), {"dense": {"weights": WEIGHTS}})).neuralNetwork.layers[0].innerProduct
    )
    assert blob.weights.float16Value == b""
    assert list(blob.weights.floatValue) == list(range(12))
    assert blob.weights.isUpdatable


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"other": {"weights": WEIGHTS}}, "'other'; the model has no such layer"),
        ({"softmax": {"weights": WEIGHTS}}, r"layer 'softmax'; it has only \[\]"),
        ({"dense": {"gamma": BIAS}}, r"layer 'dense'; it has only \['bias', 'weights'\]"),
        ({"dense": {"weights": WEIGHTS.T}}, r"of shape \[4, 3\] for layer 'dense'; it has shape \[3, 4\]"),
    ],
)
def test_weights_that_are_not_the_layers_are_refused(small_file: MakeFile, weights: Any, said: str) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(ModelFileError, match=said):
        with_weights(small_file(), weights)


def test_an_inference_model_is_not_marked_updatable(small_file: MakeFile, message_in: Parse) -> None:
    assert not message_in(inference_variant(small_file())).isUpdatable


def test_no_layer_of_an_inference_model_is_marked_updatable(small_file: MakeFile, message_in: Parse) -> None:
    assert not any(layer.isUpdatable for layer in message_in(inference_variant(small_file())).neuralNetwork.layers)


def test_no_weights_of_an_inference_model_are_marked_updatable(small_file: MakeFile, message_in: Parse) -> None:
    dense = message_in(inference_variant(small_file())).neuralNetwork.layers[0].innerProduct
    assert not dense.weights.isUpdatable
    assert not dense.bias.isUpdatable


def test_weights_deep_inside_a_layer_are_found(spoiled: Spoil, message_in: Parse) -> None:
    def add_lstm(model: Message) -> None:
        lstm = model.neuralNetwork.layers.add().biDirectionalLSTM
        lstm.weightParams.add().inputGateWeightMatrix.isUpdatable = True

    lstm = message_in(inference_variant(spoiled(add_lstm))).neuralNetwork.layers[2].biDirectionalLSTM
    assert not lstm.weightParams[0].inputGateWeightMatrix.isUpdatable


def test_an_inference_model_has_no_update_parameters(small_file: MakeFile, message_in: Parse) -> None:
    assert not message_in(inference_variant(small_file())).neuralNetwork.HasField("updateParams")


def test_an_inference_model_has_no_training_inputs(small_file: MakeFile, message_in: Parse) -> None:
    assert list(message_in(inference_variant(small_file())).description.trainingInput) == []


def test_an_inference_model_keeps_its_weights_and_what_it_says_of_itself(
    small_file: MakeFile, message_in: Parse
) -> None:
    before = message_in(small_file(author="Ada", user_defined={"a": "1"}))
    after = message_in(inference_variant(small_file(author="Ada", user_defined={"a": "1"})))
    assert after.description.metadata == before.description.metadata
    assert after.specificationVersion == before.specificationVersion
    weights = [model.neuralNetwork.layers[0].innerProduct.weights.floatValue for model in (before, after)]
    assert list(weights[0]) == list(weights[1])


def test_stripping_twice_changes_nothing(small_file: MakeFile) -> None:
    once = inference_variant(small_file())
    assert inference_variant(once) == once


def test_only_networks_are_stripped(spoiled: Spoil) -> None:
    with pytest.raises(ModelFileError, match="kind pipeline"):
        inference_variant(spoiled(lambda model: model.pipeline.SetInParent()))
