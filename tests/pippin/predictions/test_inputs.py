import numpy as np
import pytest

from pippin.errors import Fault
from pippin.models.spec import ArrayFeature, Feature, ImageFeature, LabelFeature
from pippin.models.spec.features import NumberFeature
from pippin.predictions import inputs
from pippin.predictions.errors import PredictionError
from pippin.predictions.inputs import from_json

GRID = ArrayFeature(name="grid", shape=(1, 2, 3))
COUNT = ArrayFeature(name="count", shape=(1,), type="int")
PHOTO = ImageFeature(name="photo", color="gray", width=2, height=1)
AGE = NumberFeature(name="age", type="number")
ONE = [[[1, 2.5, 3], [4, 5, 6]]]


def faults(document: object, *features: Feature) -> list[tuple[str, str]]:
    with pytest.raises(PredictionError) as caught:
        from_json(features or (GRID,), document)
    return [(fault.pointer, fault.detail) for fault in caught.value.faults]


def test_a_batch_and_one_example_are_read_as_declared() -> None:
    both = from_json((GRID,), {"inputs": {"grid": [ONE, ONE]}})["grid"]
    assert both.shape == (2, 1, 2, 3)
    assert both.dtype == np.float32
    np.testing.assert_array_equal(both[1], ONE)
    np.testing.assert_array_equal(from_json((GRID,), {"inputs": {"grid": ONE}})["grid"], both[:1])


def test_a_single_number_needs_no_list() -> None:
    assert from_json((AGE,), {"inputs": {"age": 7}})["age"].tolist() == [[7]]
    assert from_json((AGE,), {"inputs": {"age": [7, 8]}})["age"].tolist() == [[7], [8]]


def test_every_input_is_read() -> None:
    arrays = from_json((GRID, COUNT, PHOTO), {"inputs": {"grid": [ONE], "count": [[3]], "photo": [[[0, 255]]]}})
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "grid": [ONE],
        "count": [[3]],
        "photo": [[[[0, 255]]]],
    }


@pytest.mark.parametrize(
    ("value", "at", "expected"),
    [
        ([ONE, [[[1, 2, 3], [4, 5]]]], "/1/0/1", "found a list of 2; needs a list of 3 numbers"),
        ([[[[1, 2, 3]]]], "/0/0", "found a list of 1; needs a list of 2 lists nested as [3]"),
        ([[[[1, 2, "x"], [4, 5, 6]]]], "/0/0/0/2", "found 'x'; needs a number"),
        ([[[[1, 2, True], [4, 5, 6]]]], "/0/0/0/2", "found true; needs a number"),
        ([[[[1, 2, None], [4, 5, 6]]]], "/0/0/0/2", "found null; needs a number"),
        ([[[[1, 2, [3]], [4, 5, 6]]]], "/0/0/0/2", "found [3]; needs a number"),
        ([ONE, 5], "/1", "found 5; needs a list of 1 lists nested as [2, 3]"),
        ([[[[1, 2, 1e39], [4, 5, 6]]]], "/0/0/0/2", "a finite number that a 32-bit float can hold"),
        ([[[1, 2, 1e39], [4, 5, 6]]], "/0/0/2", "a finite number that a 32-bit float can hold"),
        ([[[1, 2, 16777217], [4, 5, 6]]], "/0/0/2", "found 16777217; needs a finite number that a 32-bit float can"),
        ([[[[1, 2, 10**400], [4, 5, 6]]]], "", "found a whole number beyond what a float can hold"),
        ([], "", "needs lists nested as [N, 1, 2, 3], or one example of shape [1, 2, 3]"),
        (5, "", "found 5; needs lists nested as [N, 1, 2, 3]"),
        ([1, 2, 3], "", "found [1, 2, 3]; needs lists nested as [N, 1, 2, 3]"),
        ({"a": 1}, "", "found an object; needs lists"),
    ],
)
def test_mismatching_value_has_its_pointer_and_the_need(value: object, at: str, expected: str) -> None:
    ((pointer, detail),) = faults({"inputs": {"grid": value}})
    assert pointer == f"/inputs/grid{at}"
    assert expected in detail


@pytest.mark.parametrize(
    ("feature", "value", "at", "expected"),
    [
        (COUNT, [[1], [2.5]], "/1/0", "found 2.5; needs a whole number of 32 bits"),
        (COUNT, [[2**31]], "/0/0", "found 2147483648; needs a whole number of 32 bits"),
        (COUNT, [[16777217]], "/0/0", "found 16777217; needs a whole number of 32 bits; as a float it"),
        (PHOTO, [[[[0, 256]]]], "/0/0/0/1", "found 256; needs a pixel from 0 to 255"),
        (PHOTO, [[[-1, 0]]], "/0/0/0", "found -1; needs a pixel from 0 to 255"),
        (LabelFeature(name="color", type="string"), ["red"], "", "which predictions do not support"),
    ],
)
def test_numbers_fit_the_kind_of_input(feature: Feature, value: object, at: str, expected: str) -> None:
    ((pointer, detail),) = faults({"inputs": {feature.name: value}}, feature)
    assert pointer == f"/inputs/{feature.name}{at}"
    assert expected in detail


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], [("", 'found a list of 0; needs {"inputs": {…}} with grid, count')]),
        ({}, [("/inputs", "found none; needs an object with grid, count")]),
        ({"inputs": 3}, [("/inputs", "found 3; needs an object with grid, count")]),
        ({"inputs": {"grid": ONE}}, [("/inputs", "found no 'count'; the model needs grid, count")]),
        (
            {"inputs": {"grid": ONE, "count": [1], "a/b": 1}, "batch": 1},
            [
                ("/batch", "there is no such field; needs inputs"),
                ("/inputs/a~1b", "the model has no such input; its inputs are grid, count"),
            ],
        ),
        (
            {"inputs": {"grid": [ONE, ONE], "count": [1]}},
            [("/inputs", "found 2 of grid, 1 of count; every example needs each of them")],
        ),
    ],
)
def test_the_body_names_exactly_the_inputs(document: object, expected: list[tuple[str, str]]) -> None:
    assert [(where, detail.replace("[]", "a list of 0")) for where, detail in faults(document, GRID, COUNT)] == expected


def test_faults_of_all_inputs_are_collected_up_to_twenty() -> None:
    assert len(faults({"inputs": {"grid": [[[["x"] * 3] * 2]] * 9, "count": ["y"]}}, GRID, COUNT)) == 20
    assert faults({"inputs": {"grid": 1, "count": ["y"]}}, GRID, COUNT)[1][0] == "/inputs/count/0"


def test_more_numbers_than_allowed_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_NUMBERS", 11)
    assert faults({"inputs": {"grid": [ONE, ONE]}}) == [
        ("/inputs/grid", "found 12 numbers; needs at most 11 with all inputs together")
    ]


def test_the_error_is_a_sentence() -> None:
    with pytest.raises(PredictionError, match="the input does not fit the model: /inputs/grid: found 5") as caught:
        from_json((GRID,), {"inputs": {"grid": 5}})
    assert all(isinstance(fault, Fault) for fault in caught.value.faults)
