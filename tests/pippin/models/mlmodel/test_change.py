"""Changing the weights of a file, and stripping it for inference."""

from typing import Any

import numpy as np
import pytest

from pippin.models.mlmodel import ModelFileError, inference_variant, read, with_learned, with_widened_limits
from pippin.models.mlmodel.proto import Message, parse, serialize
from tests.pippin.models.mlmodel.files import message_in, neighbors, small_file, spoiled

WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)
BIAS = np.array([1, 2, 3], dtype=np.float32)


def test_new_weights_are_read_back() -> None:
    found = read(with_learned(small_file(), {"dense": {"weights": WEIGHTS, "bias": BIAS}})).weights["dense"]
    assert np.array_equal(found["weights"], WEIGHTS)
    assert np.array_equal(found["bias"], BIAS)


def test_new_weights_change_nothing_else() -> None:
    before = small_file(user_defined={"a": "1"}, epochs={"default": 3, "max": 9})
    old = read(before).weights
    changed = with_learned(before, {"dense": {"bias": BIAS}}, {"b": "2"})
    assert np.array_equal(read(changed).weights["dense"]["weights"], old["dense"]["weights"])
    assert read(changed).metadata == {"a": "1", "b": "2"}
    assert read(changed).resolved.spec.epochs == read(before).resolved.spec.epochs
    assert with_learned(before, old) == before


def test_half_precision_becomes_single_precision() -> None:
    def halve(model: Message) -> None:
        dense = model.neuralNetwork.layers[0].innerProduct
        for blob, length in ((dense.weights, 12), (dense.bias, 3)):
            blob.ClearField("floatValue")
            blob.float16Value = bytes(2 * length)

    # The bias too, though it was not learned: a layer's arrays have one precision.
    dense = (
        message_in(with_learned(spoiled(halve), {"dense": {"weights": WEIGHTS}})).neuralNetwork.layers[0].innerProduct
    )
    for blob, values in ((dense.weights, list(range(12))), (dense.bias, [0, 0, 0])):
        assert blob.float16Value == b""
        assert list(blob.floatValue) == values
        assert blob.isUpdatable


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"other": {"weights": WEIGHTS}}, "'other'; the model has no such layer"),
        ({"softmax": {"weights": WEIGHTS}}, r"layer 'softmax'; it has only \[\]"),
        ({"dense": {"gamma": BIAS}}, r"layer 'dense'; it has only \['bias', 'weights'\]"),
        ({"dense": {"weights": WEIGHTS.T}}, r"of shape \[4, 3\] for layer 'dense'; it has shape \[3, 4\]"),
    ],
)
def test_weights_of_the_wrong_layer_or_shape_are_refused(weights: Any, said: str) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(ModelFileError, match=said):
        with_learned(small_file(), weights)


def test_inference_model_keeps_weights_and_metadata_and_nothing_of_training() -> None:
    data = small_file(author="Ada", user_defined={"a": "1"})
    before, after = message_in(data), message_in(inference_variant(data))
    dense = after.neuralNetwork.layers[0].innerProduct
    layers = after.neuralNetwork.layers
    assert not any(part.isUpdatable for part in (after, *layers, dense.weights, dense.bias))
    assert not after.neuralNetwork.HasField("updateParams")
    assert list(after.description.trainingInput) == []
    assert after.description.metadata == before.description.metadata
    assert after.specificationVersion == before.specificationVersion
    assert dense.weights.floatValue == before.neuralNetwork.layers[0].innerProduct.weights.floatValue
    assert inference_variant(serialize(after)) == inference_variant(data)


def test_nested_weights_are_stripped_for_inference() -> None:
    def add_lstm(model: Message) -> None:
        lstm = model.neuralNetwork.layers.add().biDirectionalLSTM
        lstm.weightParams.add().inputGateWeightMatrix.isUpdatable = True

    lstm = message_in(inference_variant(spoiled(add_lstm))).neuralNetwork.layers[2].biDirectionalLSTM
    assert not lstm.weightParams[0].inputGateWeightMatrix.isUpdatable


def test_other_kinds_of_model_are_not_stripped() -> None:
    with pytest.raises(ModelFileError, match="kind glmRegressor"):
        inference_variant(spoiled(lambda model: model.glmRegressor.SetInParent()))


@pytest.mark.parametrize(
    ("declared", "asked", "limits"),
    [
        (7, 9, {"default": 7}),
        ({"default": 7, "min": 5, "max": 50}, 9, {"default": 7, "min": 5, "max": 50}),
        ({"default": 7, "min": 5, "max": 50}, 60, {"default": 7, "min": 5, "max": 60}),
        ({"default": 7, "min": 5, "max": 50}, 2, {"default": 7, "min": 2, "max": 50}),
        ({"default": 7, "set": [30, 7]}, 30, {"default": 7, "set": (30, 7)}),
        ({"default": 7, "set": [30, 7]}, 9, {"default": 7, "set": (7, 9, 30)}),
    ],
)
def test_limits_are_widened_only_as_needed(declared: object, asked: int, limits: dict[str, Any]) -> None:
    data = small_file(epochs=declared)
    wider = read(with_widened_limits(data, {"epochs": asked, "shuffle": True, "seed": 1})).resolved.spec
    assert wider.epochs.model_dump(exclude_none=True) in (limits, limits["default"])
    assert wider.epochs.admits(asked)
    assert wider.optimizer == read(data).resolved.spec.optimizer


def test_learning_rate_outside_its_range_widens_it() -> None:
    data = small_file(optimizer={"type": "sgd", "learning_rate": {"default": 0.1, "max": 0.3}, "mini_batch_size": 2})
    asked = {"learning_rate": 0.5, "momentum": 0.9, "seed": 1}
    rate = read(with_widened_limits(data, asked)).resolved.spec.optimizer.learning_rate
    assert (rate.default, rate.minimum, rate.maximum) == (0.1, 0, 0.5)


@pytest.mark.parametrize(
    ("limits", "asked", "minimum", "maximum"), [((-2, 5), -9, -9, 5), ((-2, 5), 7, -2, 7), ((-2, 5), 3, -2, 5)]
)
def test_seed_outside_its_range_widens_it(limits: tuple[int, int], asked: int, minimum: int, maximum: int) -> None:
    data = small_file(seed={"default": 0, "min": limits[0], "max": limits[1]})
    seed = read(with_widened_limits(data, {"seed": asked})).resolved.spec.seed
    assert (seed.default, seed.minimum, seed.maximum) == (0, minimum, maximum)


def test_number_of_neighbors_limits_are_widened() -> None:
    nearest = neighbors()
    nearest.kNearestNeighborsClassifier.numberOfNeighbors.set.values[:] = [3]
    wider = parse(with_widened_limits(serialize(nearest), {"number_of_neighbors": 5, "seed": 1}))
    assert list(wider.kNearestNeighborsClassifier.numberOfNeighbors.set.values) == [3, 5]
