from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.api.predictions import ConfusionCell
from pippin.datasets.examples import Examples
from pippin.errors import FaultyDocumentError
from pippin.models.mlmodel import Model, Pipeline, open_model
from pippin.models.mlmodel.proto import serialize
from pippin.models.neighbors import NeighborsModel
from pippin.network import losses, predict
from pippin.predictions import evaluation, outputs
from pippin.predictions.evaluation import evaluate, spread
from pippin.predictions.outputs import compute_outputs
from tests.pippin.models.mlmodel.accepted import ACCEPTED

Small = Callable[..., Model]
Regression = dict[str, Any]
RNG = np.random.default_rng(5)
COUNT = 700
X = RNG.integers(0, 256, (COUNT, 4)).astype(np.uint8)
TRUTH = RNG.integers(0, 3, (COUNT, 1)).astype(np.int32)
QUANTITIES = RNG.integers(0, 9, (COUNT, 3)).astype(np.uint8)
SCALE = 1 / 64
SCALED = X.astype(np.float32) * np.float32(SCALE)


def examples(target: str, truth: NDArray[Any] = TRUTH, x: NDArray[Any] = X, scale: float = 1.0) -> Examples:
    return Examples({"x": x, target: truth}, {"x": SCALE, target: scale}, len(x))


def predicted(model: Model) -> NDArray[Any]:
    found: NDArray[Any] = predict(model.resolved, model.weights, {"x": SCALED})["y"]
    return found


def test_loss_accuracy_and_confusion_match_a_count_by_hand(small: Small) -> None:
    model = small()
    evaluated = evaluate(model, examples("y_true"))
    guesses = predicted(model).argmax(axis=1)
    matrix = [[0] * 3 for _ in range(3)]
    for truth, guess in zip(TRUTH[:, 0], guesses, strict=True):
        matrix[truth][guess] += 1
    expected = losses(model.resolved, model.weights, {"x": SCALED, "y_true": TRUTH})
    assert evaluated.loss == pytest.approx(float(expected.mean()), rel=1e-5)
    assert (evaluated.accuracy, evaluated.examples) == (sum(guesses == TRUTH[:, 0]) / COUNT, COUNT)
    assert evaluated.confusion is not None
    assert (evaluated.confusion.labels, evaluated.confusion.matrix) == ([0, 1, 2], matrix)
    assert evaluated.largest_errors == []


def test_worst_mistakes_are_the_most_confident_ones(small: Small) -> None:
    model = small()
    evaluated = evaluate(model, examples("y_true"), dataset_labels=["a", "b", "c"])
    shares = predicted(model)
    wrong = [row for row in range(COUNT) if shares[row].argmax() != TRUTH[row, 0]]
    wrong.sort(key=lambda row: (-float(shares[row].max()), row))
    assert [mistake.row for mistake in evaluated.worst] == wrong[: evaluation.MAX_MISTAKES]
    worst = evaluated.worst[0]
    assert worst.label == "abc"[TRUTH[worst.row, 0]]
    assert worst.predicted == "abc"[shares[worst.row].argmax()]
    assert worst.probability == pytest.approx(float(shares[worst.row].max()))
    assert evaluated.confusion is not None
    assert evaluated.confusion.labels == ["a", "b", "c"]


def test_examples_of_a_cell_are_listed_in_place_of_the_mistakes(small: Small) -> None:
    model = small()
    guesses = predicted(model).argmax(axis=1)
    names = ["a", "b", "c"]
    for truth, guess in [(0, 1), (2, 2)]:
        cell = ConfusionCell(label=names[truth], predicted=names[guess])
        listed = evaluate(model, examples("y_true"), dataset_labels=names, cell=cell).worst
        rows = np.flatnonzero((TRUTH[:, 0] == truth) & (guesses == guess))
        assert len(listed) == min(len(rows), evaluation.MAX_MISTAKES)
        assert {each.row for each in listed} <= set(rows.tolist())
        assert {(each.label, each.predicted) for each in listed} <= {(names[truth], names[guess])}


@pytest.mark.parametrize(
    ("label", "predicted_label", "pointer"), [("d", "a", "/cell/label"), ("a", 1, "/cell/predicted")]
)
def test_cell_of_an_unknown_class_is_refused(
    small: Small, label: str, predicted_label: str | int, pointer: str
) -> None:
    cell = ConfusionCell(label=label, predicted=predicted_label)
    with pytest.raises(FaultyDocumentError) as refused:
        evaluate(small(), examples("y_true"), dataset_labels=["a", "b", "c"], cell=cell)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_regression_errors_match_their_definitions(
    small: Small, regression: Regression, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "_MAX_NUMBERS", 100)  # in many batches
    model = small(**regression)
    evaluated = evaluate(model, examples("y_true", QUANTITIES, scale=0.5))
    targets = QUANTITIES.astype(np.float64) * 0.5
    differences = predicted(model).astype(np.float64) - targets
    errors = evaluated.regression
    assert errors is not None
    assert errors.mae == pytest.approx(np.abs(differences).mean(), rel=1e-5)
    assert errors.rmse == pytest.approx(np.sqrt(np.square(differences).mean()), rel=1e-5)
    around_mean = np.square(targets - targets.mean(axis=0)).sum()
    assert errors.r2 == pytest.approx(1 - np.square(differences).sum() / around_mean, rel=1e-5)


def test_equal_targets_have_no_r2(small: Small, regression: Regression) -> None:
    evaluated = evaluate(small(**regression), examples("y_true", np.full_like(QUANTITIES, 7)))
    assert evaluated.regression is not None
    assert evaluated.regression.r2 is None


def test_classifier_uses_its_own_labels(small: Small, classifier: dict[str, Any]) -> None:
    evaluated = evaluate(small(**classifier), examples("animal"), dataset_labels=["x", "y", "z"])
    plain = evaluate(small(), examples("y_true"))
    assert evaluated.confusion is not None
    assert evaluated.confusion.labels == ["ant", "bee", "cat"]
    assert evaluated.loss == pytest.approx(plain.loss)
    assert evaluated.accuracy == plain.accuracy


def test_regression_has_a_loss_and_the_largest_errors_only(small: Small, regression: Regression) -> None:
    model = small(**regression)
    outputs = predicted(model).astype(np.float64)
    loss = ((outputs - QUANTITIES * 0.5) ** 2).mean(axis=1)
    data = examples("y_true", QUANTITIES, scale=0.5)
    evaluated = evaluate(model, data)
    assert evaluated.loss == pytest.approx(loss.mean(), rel=1e-5)
    assert (evaluated.accuracy, evaluated.confusion, evaluated.worst) == (None, None, [])
    rows = np.arange(5, 400)
    errors = evaluate(model, data, rows=rows).largest_errors
    assert [error.row for error in errors] == sorted(rows.tolist(), key=lambda row: -loss[row])[:20]
    for error in errors:
        assert error.expected == [float(value) for value in QUANTITIES[error.row] * 0.5]
        assert error.predicted == pytest.approx(outputs[error.row].tolist(), rel=1e-5)
        assert error.loss == pytest.approx(loss[error.row], rel=1e-5)
        assert error.values == 3


def test_non_finite_error_comes_first_and_zero_error_is_left_out(small: Small, regression: Regression) -> None:
    model = small(**regression)
    truth = predicted(model).astype(np.float32)
    truth[7] += 1
    truth[300] = 3e38
    errors = evaluate(model, examples("y_true", truth)).largest_errors
    assert [(error.row, error.loss is None) for error in errors] == [(300, True), (7, False)]
    assert errors[0].expected == [3e38] * 3


def test_non_finite_loss_is_null(small: Small, regression: Regression) -> None:
    truth = np.full((COUNT, 3), 3e38, np.float32)
    assert evaluate(small(**regression), examples("y_true", truth)).loss is None


def test_neighbours_are_evaluated_by_their_labels(neighbors: NeighborsModel) -> None:
    points = np.array([[0, 0], [1, 0.5], [3, 4], [1, 0.4]], np.float32)
    held = Examples({"point": points, "color": np.array([[1], [0], [2], [1]], np.int32)}, {}, 4)
    evaluated = evaluate(neighbors, held, dataset_labels=["blue", "red", "green"])
    assert (evaluated.loss, evaluated.accuracy) == (None, 0.5)
    assert evaluated.confusion is not None
    assert evaluated.confusion.labels == ["red", "blue", "green"]
    assert evaluated.confusion.matrix == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert [(each.row, each.label, each.predicted, each.probability) for each in evaluated.worst] == [
        (2, "green", "red", 1.0),
        (3, "red", "blue", 1.0),
    ]


def test_pipeline_is_evaluated_with_its_front(pipeline: Pipeline) -> None:
    names = ["red", "blue", "green"]
    guesses = compute_outputs(pipeline, {"x": SCALED}).outputs["color"]
    hits = sum(names[truth] == guess for truth, guess in zip(TRUTH[:, 0], guesses, strict=True))
    assert evaluate(pipeline, examples("color"), dataset_labels=names).accuracy == hits / COUNT


def test_selected_rows_are_spread_over_all_examples(small: Small) -> None:
    model, all_examples, rows = small(), examples("y_true"), [0, 140, 280, 420, 560]
    few = evaluate(model, all_examples, rows=spread(np.arange(COUNT), 5))
    same = evaluate(model, examples("y_true", TRUTH[rows], X[rows]))
    assert (few.examples, few.loss, few.confusion) == (5, same.loss, same.confusion)
    assert evaluate(model, all_examples, rows=spread(np.arange(COUNT), 10**9)).examples == COUNT


def test_too_many_classes_give_no_confusion_matrix(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_CONFUSION_CLASSES", 2)
    evaluated = evaluate(small(), examples("y_true"))
    assert evaluated.confusion is None
    assert evaluated.accuracy is not None


def test_mapped_arrays_give_the_same_evaluation(small: Small, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert evaluate(small(), examples("y_true", x=mapped)) == evaluate(small(), examples("y_true"))


def test_embedding_index_out_of_range_names_its_row(small: Small, embedding: list[dict[str, Any]]) -> None:
    shift = {"type": "linear", "name": "shift", "alpha": 1, "beta": 0}
    model = small(inputs=[{"name": "x", "shape": [1]}], layers=[shift, *embedding])
    arrays = {"x": np.zeros((COUNT, 1), np.float32), "y_true": TRUTH}
    assert evaluate(model, Examples(arrays, {}, COUNT)).examples == COUNT
    arrays["x"][613] = 3
    with pytest.raises(FaultyDocumentError) as raised:
        evaluate(model, Examples(arrays, {}, COUNT))
    (fault,) = raised.value.faults
    assert fault.detail.startswith("row 613: found 3 in 'shift'; needs a whole number from 0 to 2")


def test_inputs_unused_by_the_loss_are_not_needed() -> None:
    case = ACCEPTED["an input that training does not need"]
    evaluated = evaluate(open_model(serialize(case.make())), Examples(case.training, {}, 6))
    assert evaluated.loss is not None
    assert evaluated.accuracy is not None
