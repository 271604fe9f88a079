"""Predictions against plain loops that follow the definition, and against hand-computed values."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pippin.models.neighbors import NeighborsError, NeighborsModel, append, predict, search
from pippin.models.neighbors.predict import Distance
from pippin.models.spec.parameters import IntegerParameter
from tests.pippin.models.neighbors.classifiers import make_model


def neighbors(samples: NDArray[np.float32], asked: NDArray[np.float32], k: int) -> list[tuple[float, int]]:
    """The nearest samples of one feature, by their distances and places."""
    distances = []
    for place, sample in enumerate(samples.tolist()):
        total = 0.0
        for one, other in zip(asked.tolist(), sample, strict=True):
            total += (one - other) * (one - other)
        distances.append((total, place))
    return sorted(distances)[:k]


def answer(
    model: NeighborsModel, asked: NDArray[np.float32], k: int, distance: Distance
) -> tuple[Any, dict[Any, float]]:
    """The label and the votes of one feature."""
    found = neighbors(model.samples, asked, k)
    votes: dict[Any, float] = {}
    for squared, place in found:
        if model.weighting == "uniform":
            weight = 1.0
        elif found[0][0] == 0:
            weight = float(squared == 0)
        else:
            weight = 1 / (squared if distance == "squared_euclidean" else squared**0.5)
        votes[model.labels[place]] = votes.get(model.labels[place], 0.0) + weight
    # A dictionary keeps the order in which the labels came, so the first of the greatest is the nearest.
    return max(votes, key=lambda label: votes[label]), votes


# A grid makes ties; far from the origin much of the quick distances is rounding; the rest is anything.
_GRID = st.integers(-2, 2).map(lambda number: number / 128)
_FAR = st.integers(-2, 2).map(lambda number: 1e6 + number / 8)
_ANY = st.floats(-(2.0**100), 2.0**100, width=32)


@st.composite
def problems(draw: st.DrawFn) -> tuple[NDArray[np.float32], list[str], NDArray[np.float32]]:
    numbers = draw(st.sampled_from([_GRID, _FAR, _ANY, _GRID | _FAR | _ANY]))
    dimensions = draw(st.integers(1, 4))
    row = st.lists(numbers, min_size=dimensions, max_size=dimensions)
    samples = draw(st.lists(row, min_size=1, max_size=25))
    labels = [draw(st.sampled_from("abc")) for _ in samples]
    asked = draw(st.lists(row | st.sampled_from(samples), min_size=1, max_size=6))
    if draw(st.booleans()):
        # One number that all share hides the others from the quick distances altogether.
        for vector in [*samples, *asked]:
            vector[0] = 1e6
    return np.array(samples, dtype=np.float32), labels, np.array(asked, dtype=np.float32)


@given(
    problem=problems(),
    k=st.integers(1, 28),
    weighting=st.sampled_from(["uniform", "inverse_distance"]),
    distance=st.sampled_from(["squared_euclidean", "euclidean"]),
    index=st.sampled_from([("linear", None), ("kd_tree", 3)]),
    block=st.sampled_from([1, 10, 40, search.BLOCK]),
)
def test_predictions_match_plain_loops(
    *,
    problem: tuple[NDArray[np.float32], list[str], NDArray[np.float32]],
    k: int,
    weighting: str,
    distance: Distance,
    index: tuple[str, int | None],
    block: int,
) -> None:
    samples, labels, asked = problem
    model = make_model(samples, labels, weighting=weighting, index=index[0], leaf_size=index[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "BLOCK", block)
        found = predict(model, asked, k, distance=distance)
    assert found.classes == tuple(dict.fromkeys(labels))
    for place, feature in enumerate(asked):
        label, votes = answer(model, feature, k, distance)
        assert found.labels[place] == label
        shares = [votes.get(name, 0.0) / sum(votes.values()) for name in found.classes]
        assert found.probabilities[place] == pytest.approx(shares, rel=1e-12, abs=0)


@pytest.mark.parametrize("order", ["as they come", "far to near", "near to far", "all the same"])
def test_many_blocks_find_the_same_neighbors_in_any_order(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "BLOCK", 500)
    generator = np.random.Generator(np.random.PCG64(3))
    samples = generator.normal(size=(700, 3)).astype(np.float32)
    if order == "all the same":
        samples[:] = 1
    elif order != "as they come":
        samples = samples[np.argsort(np.square(samples).sum(axis=1))[:: -1 if order == "far to near" else 1]]
    asked = (generator.normal(size=(40, 3)) / 100).astype(np.float32)
    found = list(search.nearest(samples, asked, 7))
    expected = [neighbors(samples, feature, 7) for feature in asked]
    assert [block.start for block in found] == list(range(0, 40, len(found[0].places)))
    assert len(found) > 1
    assert np.concatenate([block.places for block in found]).tolist() == [
        [place for _, place in row] for row in expected
    ]
    assert np.concatenate([block.distances for block in found]).tolist() == [
        [far for far, _ in row] for row in expected
    ]


def test_samples_within_rounding_error_are_distinguished() -> None:
    generator = np.random.Generator(np.random.PCG64(9))
    samples = (generator.normal(size=(300, 5)) / 100).astype(np.float32)
    samples[:, 2] = 1e6
    asked = samples[::10] * np.float32(0.5)
    asked[:, 2] = 1e6
    (found,) = search.nearest(samples, asked, 4)
    expected = [neighbors(samples, feature, 4) for feature in asked]
    assert found.places.tolist() == [[place for _, place in row] for row in expected]
    assert found.distances.tolist() == [[far for far, _ in row] for row in expected]


LINE = np.array([[0], [1], [3], [6]])


@pytest.mark.parametrize(
    ("weighting", "distance", "asked", "k", "label", "shares"),
    [
        ("uniform", "squared_euclidean", 0.25, 1, "a", [1, 0, 0]),
        ("uniform", "squared_euclidean", 0.25, 3, "b", [1 / 3, 2 / 3, 0]),
        ("uniform", "squared_euclidean", 0.25, 4, "b", [1 / 4, 2 / 4, 1 / 4]),
        # Two labels with one vote each: the nearer wins.
        ("uniform", "squared_euclidean", 5, 2, "c", [0, 1 / 2, 1 / 2]),
        # Distances 1, 2, 3 or their squares 1, 4, 9.
        ("inverse_distance", "squared_euclidean", 2, 3, "b", [1 / 9, 8 / 9, 0]),
        ("inverse_distance", "euclidean", 2, 3, "b", [1 / 5, 4 / 5, 0]),
        # Distance 0 to b alone, so only b votes.
        ("inverse_distance", "squared_euclidean", 3, 4, "b", [0, 1, 0]),
        ("inverse_distance", "euclidean", 3, 4, "b", [0, 1, 0]),
    ],
)
def test_votes_match_hand_computed_values(
    *, weighting: str, distance: Distance, asked: float, k: int, label: str, shares: list[float]
) -> None:
    model = make_model(LINE, ["a", "b", "b", "c"], weighting=weighting)
    found = predict(model, np.array([[asked]]), k, distance=distance)
    assert found.labels == (label,)
    assert found.classes == ("a", "b", "c")
    assert found.probabilities.tolist() == [pytest.approx(shares)]


def test_earlier_samples_win_ties_of_distance() -> None:
    model = make_model(np.array([[1], [-1], [-1], [1]]), ["a", "b", "c", "d"])
    assert predict(model, np.array([[0]]), 1).labels == ("a",)
    assert predict(model, np.array([[0]]), 3).probabilities.tolist() == [pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])]


def test_exact_matches_have_one_vote_each() -> None:
    model = make_model(np.array([[2], [2], [2], [3]]), ["a", "b", "b", "c"], weighting="inverse_distance")
    found = predict(model, np.array([[2]]), 4)
    assert found.labels == ("b",)
    assert found.probabilities.tolist() == [pytest.approx([1 / 3, 2 / 3, 0])]


def test_appended_sample_is_found_despite_rounding() -> None:
    taught = np.random.Generator(np.random.PCG64(5)).normal(1e3, 1, size=(50, 6))
    model = make_model(np.empty((0, 6)), (), weighting="inverse_distance")
    model = append(model, taught, [str(place) for place in range(50)])
    found = predict(model, taught, 9)
    assert found.labels == model.labels
    assert np.array_equal(found.probabilities, np.eye(50))


def test_all_samples_vote_when_there_are_fewer_than_k() -> None:
    assert predict(make_model(LINE, [7, 8, 8, 8]), np.array([[0]]), 1000).labels == (8,)


def test_k_defaults_to_that_of_the_model() -> None:
    model = make_model(LINE, ["a", "b", "b", "c"], number_of_neighbors=IntegerParameter(default=3))
    assert predict(model, np.array([[0]])).labels == ("b",)


@pytest.mark.parametrize(
    ("limits", "k", "needed"),
    [
        ({"default": 3}, 0, "1 or more"),
        ({"default": 3, "min": 2, "max": 4}, 5, "a whole number from 2 to 4"),
        ({"default": 3, "set": [3, 5]}, 4, "one of 3, 5"),
    ],
)
def test_k_outside_the_limits_of_the_model_is_refused(limits: dict[str, Any], k: int, needed: str) -> None:
    model = make_model(LINE, ["a", "b", "b", "c"], number_of_neighbors=IntegerParameter.model_validate(limits))
    with pytest.raises(NeighborsError, match=f"/k: found {k}; needs {needed}"):
        predict(model, np.array([[0]]), k)


@pytest.mark.parametrize("default", ["none", 4])
def test_empty_model_predicts_its_default_label(default: str | int) -> None:
    found = predict(make_model(np.empty((0, 2)), (), default_label=default), np.zeros((3, 2)))
    assert found.labels == (default,) * 3
    assert found.classes == (default,)
    assert found.probabilities.tolist() == [[1], [1], [1]]


def test_empty_model_without_default_label_is_refused() -> None:
    with pytest.raises(NeighborsError, match="found neither samples nor a default label"):
        predict(make_model(np.empty((0, 2)), ()), np.zeros((3, 2)))


def test_a_default_label_is_no_class_of_a_model_with_samples() -> None:
    found = predict(make_model(LINE, ["a", "b", "b", "c"], default_label="none"), np.array([[0]]))
    assert found.classes == ("a", "b", "c")


def test_no_features_give_no_predictions() -> None:
    found = predict(make_model(LINE, ["a", "b", "b", "c"]), np.empty((0, 1)))
    assert found.labels == ()
    assert found.probabilities.shape == (0, 3)


@pytest.mark.parametrize("asked", [np.zeros((1, 2)), np.zeros(1), np.array([[np.inf]]), np.array([["a"]])])
def test_mismatched_features_are_refused(asked: NDArray[Any]) -> None:
    with pytest.raises(NeighborsError, match="/features: found"):
        predict(make_model(LINE, ["a", "b", "b", "c"]), asked)


def test_distance_matrix_is_never_whole_in_memory() -> None:
    generator = np.random.Generator(np.random.PCG64(7))
    model = make_model(generator.random((8_000, 3)), ["a", "b"] * 4_000)
    asked = generator.random((1_000, 3))
    tracemalloc.start()
    try:
        predict(model, asked, 5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The whole matrix would be 64 MB.
    assert peak < 32e6
