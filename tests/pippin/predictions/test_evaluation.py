from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.datasets.examples import Examples
from pippin.errors import FaultyDocumentError
from pippin.models.mlmodel import Model, Pipeline, open_model
from pippin.models.mlmodel.proto import serialize
from pippin.models.neighbors import NeighborsModel
from pippin.network import losses, predict
from pippin.predictions import evaluation
from pippin.predictions.evaluation import evaluate, spread
from pippin.predictions.outputs import compute_outputs
from tests.pippin.models.mlmodel.accepted import ACCEPTED

Small = Callable[..., Model]
RNG = np.random.default_rng(5)
COUNT = 700
X = RNG.integers(0, 256, (COUNT, 4)).astype(np.uint8)
TRUTH = RNG.integers(0, 3, (COUNT, 1)).astype(np.int32)
SCALE = 1 / 64


def examples(target: str, truth: NDArray[Any] = TRUTH, x: NDArray[Any] = X) -> Examples:
    return Examples({"x": x, target: truth}, {"x": SCALE}, len(x))


def scaled() -> NDArray[np.float32]:
    return X.astype(np.float32) * np.float32(SCALE)


def test_loss_accuracy_and_confusion_match_a_count_by_hand(small: Small) -> None:
    model = small()
    target = model.resolved.training_target
    found = evaluate(model, examples(target))
    shares = predict(model.resolved, model.weights, {"x": scaled()})["y"]
    guesses = shares.argmax(axis=1)
    expected = losses(model.resolved, model.weights, {"x": scaled(), target: TRUTH})
    assert found.loss == pytest.approx(float(expected.mean()), rel=1e-5)
    assert found.accuracy == sum(guesses == TRUTH[:, 0]) / COUNT
    assert found.examples == COUNT
    matrix = [[0] * 3 for _ in range(3)]
    for truth, guess in zip(TRUTH[:, 0], guesses, strict=True):
        matrix[truth][guess] += 1
    assert found.confusion is not None
    assert found.confusion.labels == [0, 1, 2]
    assert found.confusion.matrix == matrix


def test_worst_mistakes_are_the_most_confident_ones(small: Small) -> None:
    model = small()
    found = evaluate(model, examples(model.resolved.training_target), dataset_labels=["a", "b", "c"])
    shares = predict(model.resolved, model.weights, {"x": scaled()})["y"]
    wrong = [row for row in range(COUNT) if shares[row].argmax() != TRUTH[row, 0]]
    wrong.sort(key=lambda row: (-float(shares[row].max()), row))
    assert [mistake.row for mistake in found.worst] == wrong[: evaluation.MAX_MISTAKES]
    worst = found.worst[0]
    assert worst.label == "abc"[TRUTH[worst.row, 0]]
    assert worst.predicted == "abc"[shares[worst.row].argmax()]
    assert worst.probability == pytest.approx(float(shares[worst.row].max()))
    assert found.confusion is not None
    assert found.confusion.labels == ["a", "b", "c"]


def test_classifier_uses_its_own_labels(small: Small, classifier: dict[str, Any]) -> None:
    model = small(**classifier)
    found = evaluate(model, examples("animal"), dataset_labels=["x", "y", "z"])
    plain = small()
    assert found.confusion is not None
    assert found.confusion.labels == ["ant", "bee", "cat"]
    other = evaluate(plain, examples(plain.resolved.training_target))
    assert found.loss == pytest.approx(other.loss)
    assert found.accuracy == other.accuracy


def test_regression_has_a_loss_only(small: Small, regression: dict[str, Any]) -> None:
    model = small(**regression)
    target = model.resolved.training_target
    truth = RNG.integers(0, 9, (COUNT, 3)).astype(np.uint8)
    found = evaluate(model, Examples({"x": X, target: truth}, {"x": SCALE, target: 0.5}, COUNT))
    outputs = predict(model.resolved, model.weights, {"x": scaled()})["y"].astype(np.float64)
    assert found.loss == pytest.approx(((outputs - truth * 0.5) ** 2).mean(), rel=1e-5)
    assert (found.accuracy, found.confusion, found.worst) == (None, None, [])


def test_the_largest_errors_are_the_examples_with_the_largest_loss(small: Small, regression: dict[str, Any]) -> None:
    model = small(**regression)
    truth = RNG.integers(0, 9, (COUNT, 3)).astype(np.uint8)
    data = Examples({"x": X, model.resolved.training_target: truth}, {"x": SCALE, "y_true": 0.5}, COUNT)
    outputs = predict(model.resolved, model.weights, {"x": scaled()})["y"].astype(np.float64)
    scale = data.scales.get(model.resolved.training_target, 1.0)
    loss = ((outputs - truth * scale) ** 2).mean(axis=1)
    rows = np.arange(5, 400)
    found = evaluate(model, data, rows=rows).largest_errors
    assert [error.row for error in found] == sorted(rows.tolist(), key=lambda row: -loss[row])[:20]
    for error in found:
        assert error.expected == [float(value) for value in truth[error.row] * scale]
        assert error.predicted == pytest.approx(outputs[error.row].tolist(), rel=1e-5)
        assert error.loss == pytest.approx(loss[error.row], rel=1e-5)
        assert error.values == 3


def test_non_finite_error_comes_first_and_zero_error_is_left_out(small: Small, regression: dict[str, Any]) -> None:
    model = small(**regression)
    outputs = predict(model.resolved, model.weights, {"x": scaled()})["y"].astype(np.float32)
    truth = outputs.copy()
    truth[7] += 1
    truth[300] = 3e38
    found = evaluate(model, examples(model.resolved.training_target, truth)).largest_errors
    assert [(error.row, error.loss is None) for error in found] == [(300, True), (7, False)]
    assert found[0].expected == [3e38] * 3


def test_classification_has_no_largest_errors(small: Small) -> None:
    model = small()
    assert evaluate(model, examples(model.resolved.training_target)).largest_errors == []


def test_non_finite_loss_is_null(small: Small, regression: dict[str, Any]) -> None:
    model = small(**regression)
    truth = np.full((COUNT, 3), 3e38, np.float32)
    assert evaluate(model, examples(model.resolved.training_target, truth)).loss is None


def test_neighbours_are_evaluated_by_their_labels(neighbors: NeighborsModel) -> None:
    points = np.array([[0, 0], [1, 0.5], [3, 4], [1, 0.4]], np.float32)
    held = Examples({"point": points, "color": np.array([[1], [0], [2], [1]], np.int32)}, {}, 4)
    found = evaluate(neighbors, held, dataset_labels=["blue", "red", "green"])
    assert found.loss is None
    assert found.accuracy == 0.5
    assert found.confusion is not None
    assert found.confusion.labels == ["red", "blue", "green"]
    assert found.confusion.matrix == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert [(each.row, each.label, each.predicted, each.probability) for each in found.worst] == [
        (2, "green", "red", 1.0),
        (3, "red", "blue", 1.0),
    ]


def test_pipeline_is_evaluated_with_its_front(pipeline: Pipeline) -> None:
    guesses = compute_outputs(pipeline, {"x": scaled()}).outputs["color"]
    names = ["red", "blue", "green"]
    hits = sum(names[truth] == guess for truth, guess in zip(TRUTH[:, 0], guesses, strict=True))
    found = evaluate(pipeline, examples("color"), dataset_labels=names)
    assert found.accuracy == hits / COUNT


def test_selected_rows_are_spread_over_all_examples(small: Small) -> None:
    model = small()
    target = model.resolved.training_target
    rows = [0, 140, 280, 420, 560]
    few = evaluate(model, examples(target), rows=spread(np.arange(COUNT), 5))
    same = evaluate(model, examples(target, TRUTH[rows], X[rows]))
    assert few.examples == 5
    assert few.loss == same.loss
    assert few.confusion == same.confusion
    assert evaluate(model, examples(target), rows=spread(np.arange(COUNT), 10**9)).examples == COUNT


def test_too_many_classes_give_no_confusion_matrix(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_CONFUSION_CLASSES", 2)
    model = small()
    found = evaluate(model, examples(model.resolved.training_target))
    assert found.confusion is None
    assert found.accuracy is not None


def test_mapped_arrays_give_the_same_evaluation(small: Small, tmp_path: Path) -> None:
    model = small()
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    target = model.resolved.training_target
    assert evaluate(model, examples(target, x=mapped)) == evaluate(model, examples(target))


def test_embedding_index_out_of_range_names_its_row(small: Small) -> None:
    layers = [
        {"type": "linear", "name": "shift", "alpha": 1, "beta": 0},
        {"type": "embedding", "name": "e", "input_dim": 3, "output_channels": 2},
        {"type": "flatten", "name": "flat"},
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ]
    model = small(inputs=[{"name": "x", "shape": [1]}], layers=layers)
    indices = np.zeros((COUNT, 1), np.float32)
    arrays = {"x": indices, model.resolved.training_target: TRUTH}
    assert evaluate(model, Examples(arrays, {}, COUNT)).examples == COUNT
    indices[613] = 3
    with pytest.raises(FaultyDocumentError) as raised:
        evaluate(model, Examples(arrays, {}, COUNT))
    (fault,) = raised.value.faults
    assert fault.detail.startswith("row 613: found 3 in 'shift'; needs a whole number from 0 to 2")


def test_inputs_unused_by_the_loss_are_not_needed() -> None:
    case = ACCEPTED["an input that training does not need"]
    model = open_model(serialize(case.make()))
    found = evaluate(model, Examples(case.training, {}, 6))
    assert found.loss is not None
    assert found.accuracy is not None
