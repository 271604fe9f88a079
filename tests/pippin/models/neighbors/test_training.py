"""Appending samples to a classifier and writing them to its file."""

from typing import Any, cast

import numpy as np
import pytest

from pippin.models.neighbors import NeighborsError, append, read_neighbors, write_samples
from pippin.models.spec.features import MAX_CLASSES
from tests.pippin.models.neighbors.classifiers import make_message

POINTS = np.array([[5, 6], [0, 0]])


def test_examples_are_appended_in_order_and_nothing_else_changes() -> None:
    before = read_neighbors(make_message())
    after = append(before, POINTS, ["green", "blue"])
    assert after.samples.tolist() == [[0, 0], [1, 0.5], [3, 4], [5, 6], [0, 0]]
    assert after.labels == ("red", "blue", "red", "green", "blue")
    assert after.classes == ("red", "blue", "green")
    assert len(before.labels) == len(before.samples) == 3
    changed = {name for name in vars(before) if getattr(before, name) is not getattr(after, name)}
    assert changed == {"samples", "labels"}


def test_an_empty_model_learns_its_first_classes() -> None:
    model = append(read_neighbors(make_message(samples=(), default=9)), POINTS, cast("list[int]", [4, np.int64(5)]))
    assert model.labels == (4, 5)
    assert all(type(label) is int for label in model.labels)


def test_append_of_no_examples_changes_nothing() -> None:
    model = append(read_neighbors(make_message()), np.empty((0, 2)), [])
    assert model.labels == ("red", "blue", "red")


def test_features_are_stored_as_float32() -> None:
    model = append(read_neighbors(make_message(samples=())), np.array([[0.1, 1e-50]]), ["a"])
    assert model.samples.dtype == np.float32
    assert model.samples.tolist() == [[float(np.float32(0.1)), 0]]


REFUSED: dict[str, tuple[Any, Any, str, str]] = {
    "another length": (np.zeros((2, 3)), ["a", "b"], "/features", r"found shape \[2, 3\]; needs \[N, 2\]"),
    "one axis": (np.zeros(2), ["a", "b"], "/features", r"found shape \[2\]; needs \[N, 2\]"),
    "NaN": (np.array([[0, 0], [np.nan, 0]]), ["a", "b"], "/features", "in row 1; needs finite"),
    "too large": (np.array([[0, 0], [1e39, 0]]), ["a", "b"], "/features", "beyond a float32 in row 1"),
    "texts": (np.array([["a", "b"]]), ["a"], "/features", "needs real numbers"),
    "complex": (np.array([[1j, 0]]), ["a"], "/features", "needs real numbers"),
    "too few labels": (POINTS, ["a"], "/labels", "found 1 labels for 2 examples"),
    "too many labels": (POINTS, ["a", "b", "c"], "/labels", "found 3 labels for 2 examples"),
    "a number among texts": (POINTS, ["a", 2], "/labels/1", "found 2; needs a text"),
    "half a character": (POINTS, ["a", "\ud800"], "/labels/1", "needs a text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mismatched_examples_are_refused(name: str) -> None:
    features, labels, pointer, said = REFUSED[name]
    message = make_message()
    before = message.SerializeToString(deterministic=True)
    for attempt in (
        lambda: append(read_neighbors(message), features, labels),
        lambda: write_samples(message, features, labels),
    ):
        with pytest.raises(NeighborsError, match=said) as caught:
            attempt()
        assert [fault.pointer for fault in caught.value.faults] == [pointer]
    assert message.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("label", ["1", True, np.True_, 1.0, 2**63, -(2**63) - 1])
def test_non_integer_labels_are_refused(label: Any) -> None:  # noqa: ANN401 - wrong on purpose
    model = read_neighbors(make_message(samples=(), default=0))
    with pytest.raises(NeighborsError, match="needs a whole number of 64 bits"):
        append(model, POINTS, [1, label])


def test_only_the_first_wrong_labels_are_reported() -> None:
    with pytest.raises(NeighborsError) as caught:
        append(read_neighbors(make_message()), np.zeros((50, 2)), list(range(50)))
    assert [fault.pointer for fault in caught.value.faults] == [f"/labels/{place}" for place in range(20)]


def test_too_many_classes_are_refused() -> None:
    model = read_neighbors(make_message(samples=(), default=0))
    many = range(MAX_CLASSES + 1)
    assert len(append(model, np.zeros((len(many) - 1, 2)), many[1:]).classes) == MAX_CLASSES
    with pytest.raises(NeighborsError, match=f"found {MAX_CLASSES + 1} different labels"):
        append(model, np.zeros((len(many), 2)), many)


@pytest.mark.parametrize("labels", [("a", "b"), (1, 2)])
@pytest.mark.parametrize("declared", [True, False])
def test_appended_samples_are_written_and_read_back(labels: tuple[Any, Any], declared: bool) -> None:
    message = make_message(samples=(), default=labels[0])
    if not declared:
        message.kNearestNeighborsClassifier.ClearField("ClassLabels")
    taught = append(read_neighbors(message), np.array([[1.5, 2], [3, 0.1]]), labels)
    write_samples(message, taught.samples, taught.labels)
    file = type(message)()
    file.ParseFromString(message.SerializeToString())
    found = read_neighbors(file)
    assert np.array_equal(found.samples, taught.samples)
    assert found.labels == labels


def test_writing_samples_changes_nothing_else() -> None:
    message, expected = (
        make_message(weighting_scheme="inverse_distance"),
        make_message(samples=[(7, 8)], labels=["green"], weighting_scheme="inverse_distance"),
    )
    for model in (message, expected):
        model.description.metadata.author = "Ada"
        model.description.metadata.userDefined["a"] = "1"
    write_samples(message, np.array([[7, 8]], dtype=np.float32), ["green"])
    assert message == expected


def test_samples_that_were_read_are_written_unchanged() -> None:
    message, expected = make_message(), make_message()
    model = read_neighbors(message)
    write_samples(message, model.samples, model.labels)
    assert message == expected


@pytest.mark.parametrize("declared", [True, False])
def test_all_samples_can_be_removed(declared: bool) -> None:
    message, expected = make_message(), make_message(samples=())
    if not declared:
        expected.kNearestNeighborsClassifier.ClearField("ClassLabels")
        message = make_message(samples=())
        message.kNearestNeighborsClassifier.ClearField("ClassLabels")
    write_samples(message, np.empty((0, 2), dtype=np.float32), ())
    assert message == expected


def test_samples_are_not_written_to_another_kind_of_model() -> None:
    message = make_message()
    message.neuralNetwork.SetInParent()
    with pytest.raises(NeighborsError, match="kind neuralNetwork"):
        write_samples(message, np.empty((0, 2), dtype=np.float32), ())
    assert message.WhichOneof("Type") == "neuralNetwork"
