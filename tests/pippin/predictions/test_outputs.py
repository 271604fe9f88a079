import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pippin.models.mlmodel import Model, Pipeline
from pippin.models.neighbors import NeighborsModel
from pippin.models.spec import IntegerParameter
from pippin.network import predict
from pippin.predictions.documents import nested, prediction, top
from pippin.predictions.errors import PredictionError
from pippin.predictions.outputs import compute_outputs, inputs_of

Small = Callable[..., Model]
Layers = list[dict[str, Any]]
RNG = np.random.default_rng(3)
X = RNG.normal(size=(600, 4)).astype(np.float32)


def test_network_answers_match_predict_across_batches(small: Small) -> None:
    model = small()
    found = compute_outputs(model, {"x": X})
    output = found.outputs["y"]
    assert isinstance(output, np.ndarray)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, predict(model.resolved, model.weights, {"x": X})["y"], rtol=1e-6)
    assert found.labels is None
    np.testing.assert_array_equal(found.probabilities, output)


def test_probabilities_are_the_cross_entropys_input_even_if_no_output(small: Small) -> None:
    layers = [
        {"type": "inner_product", "name": "dense", "output": "logits", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax", "output": "shares"},
    ]
    loss = {"type": "categorical_cross_entropy", "input": "shares"}
    found = compute_outputs(small(layers=layers, loss=loss, outputs=[{"name": "logits", "shape": [3]}]), {"x": X})
    assert found.outputs.keys() == {"logits"}
    logits = np.asarray(found.outputs["logits"], dtype=np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, shares, rtol=1e-5)


def test_regression_has_no_classes(small: Small, regression: dict[str, Any]) -> None:
    found = compute_outputs(small(**regression), {"x": X})
    assert found.probabilities is None
    assert found.labels is None
    assert np.asarray(found.outputs["y"]).shape == (600, 3)


def test_a_classifier_answers_labels_and_the_probability_of_each(small: Small, classifier: dict[str, Any]) -> None:
    model = small(**classifier)
    found = compute_outputs(model, {"x": X})
    assert found.labels == ("ant", "bee", "cat")
    assert found.outputs.keys() == {"animal", "shares"}
    shares = predict(model.resolved, model.weights, {"x": X})[model.resolved.probabilities_blob].reshape(600, 3)
    assert found.outputs["animal"] == [("ant", "bee", "cat")[index] for index in shares.argmax(axis=1)]
    assert len(set(found.outputs["animal"])) > 1
    first = found.outputs["shares"][0]
    assert isinstance(first, dict)
    assert list(first) == ["ant", "bee", "cat"]
    np.testing.assert_allclose(list(first.values()), shares[0], rtol=1e-6)


def test_neighbours_answer_the_label_of_the_nearest(neighbors: NeighborsModel) -> None:
    found = compute_outputs(neighbors, {"point": np.array([[0.9, 0.4], [2.9, 4.1]])})
    assert found.labels == ("red", "blue")
    assert found.outputs["color"] == ["blue", "red"]
    assert neighbors.probabilities is not None
    assert found.outputs[neighbors.probabilities] == [{"red": 0.0, "blue": 1.0}, {"red": 1.0, "blue": 0.0}]


def test_pipeline_feeds_the_front_models_output_to_its_last_model(
    pipeline: Pipeline, neighbors: NeighborsModel
) -> None:
    (front,) = pipeline.front
    points = predict(front.resolved, front.weights, {"x": X})["point"]
    found = compute_outputs(pipeline, {"x": X})
    assert found.outputs["color"] == compute_outputs(neighbors, {"point": points}).outputs["color"]
    assert len(set(found.outputs["color"])) > 1
    np.testing.assert_allclose(np.asarray(found.outputs["point"]), points, rtol=1e-6)
    assert [feature.name for feature in inputs_of(pipeline)] == ["x"]


def test_top_is_sorted_by_probability_then_index() -> None:
    shares = np.array([[0.25, 0.5, 0.25], [0.0, np.nan, 1.0]])
    assert top(shares, None, 2) == [
        [{"label": 1, "probability": 0.5}, {"label": 0, "probability": 0.25}],
        [{"label": 2, "probability": 1.0}, {"label": 0, "probability": 0.0}],
    ]
    assert top(shares[1:], ("a", "b", "c"), 9)[0][-1] == {"label": "b", "probability": None}


def test_predicted_class_comes_first_among_equal_probabilities() -> None:
    shares = np.array([[0.25, 0.25, 0.5], [0.4, 0.2, 0.4]])
    for choices in top(shares, None, 3, np.array([2, 2])):
        assert [choice["label"] for choice in choices] == [2, 0, 1]


@pytest.mark.parametrize("k", [2, 4])
def test_tied_neighbours_are_listed_with_the_predicted_label_first(
    tied: NeighborsModel, pipeline: Pipeline, k: int
) -> None:
    model = replace(tied, number_of_neighbors=IntegerParameter(default=k))
    for asked in (replace(pipeline, front=(), last=model, outputs=()), model):
        document = prediction(compute_outputs(asked, {"point": np.array([[2.2, 0], [1.1, 0]])}), None, 1)
        assert [each[0]["label"] for each in document["top"]] == ["c", "b"]
    assert document["outputs"]["color"] == ["c", "b"]


@pytest.mark.parametrize("wrong", [3, -1, 0.5, 1e9])
def test_embedding_index_out_of_range_is_a_fault_with_its_pointer(
    small: Small, embedding: Layers, wrong: float
) -> None:
    model = small(inputs=[{"name": "x", "shape": [1]}], layers=embedding)
    inputs = {"x": np.zeros((600, 1), np.float32)}
    assert compute_outputs(model, inputs).probabilities is not None
    inputs["x"][555] = wrong
    with pytest.raises(PredictionError) as raised:
        compute_outputs(model, inputs)
    (fault,) = raised.value.faults
    assert fault.pointer == "/inputs/x/555"
    assert fault.detail == f"found {wrong:g} in 'x'; needs a whole number from 0 to 2, which the embedding 'e' looks up"


def test_computed_embedding_index_out_of_range_names_its_example(small: Small, embedding: Layers) -> None:
    shift = {"type": "linear", "name": "shift", "alpha": 1, "beta": 1}
    model = small(inputs=[{"name": "x", "shape": [1]}], layers=[shift, *embedding])
    with pytest.raises(PredictionError) as raised:
        compute_outputs(model, {"x": np.array([[0], [2]])})
    (fault,) = raised.value.faults
    assert (fault.pointer, fault.detail[:38]) == ("/inputs", "of example 1: found 3 in 'shift'; need")
    # A rounding error of a computed index is no fault.
    assert compute_outputs(model, {"x": np.array([[0.9999], [0.0001]])}).probabilities is not None


def test_json_has_null_for_non_finite_numbers() -> None:
    assert nested(np.array([[1.0, np.inf], [np.nan, 2.0]], dtype=np.float32)) == [[1.0, None], [None, 2.0]]


def test_overflow_gives_null_without_a_warning(small: Small, regression: dict[str, Any]) -> None:
    model = small(**regression)
    dense = model.weights["dense"]
    huge = {"dense": {**dense, "weights": np.full_like(dense["weights"], 3e38)}}
    found = compute_outputs(replace(model, weights=huge), {"x": np.full((1, 4), 9, np.float32)})
    assert prediction(found, None, 5) == {"outputs": {"y": [[None] * 3]}, "labels": None, "top": None}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(["ant", "bee", "cat"], ["ant", "bee", "cat"]), (["ant", "bee"], None), (None, None)],
)
def test_dataset_labels_are_used_if_there_is_one_per_class(
    small: Small, labels: list[str] | None, expected: list[str] | None
) -> None:
    found = prediction(compute_outputs(small(), {"x": X[:1]}), labels, 1)
    assert found["labels"] == expected
    assert (found["top"][0][0]["label"] in ("ant", "bee", "cat")) is (expected is not None)


@pytest.mark.full
def test_predictions_do_not_import_jax() -> None:
    code = "import sys, pippin.predictions.evaluation, pippin.predictions.pictures; sys.exit('jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
