from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pippin.jobs.request import JobRequest
from service.validation import body_faults

GOOD: dict[str, Any] = {"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"}


def faults(body: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(JobRequest).validate_python(body)
    return {fault.pointer: fault.detail for fault in body_faults(raised.value.errors(), body)}


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"model": {}}, "/model", "exactly one of preset, spec"),
        ({"model": None}, "/model", "must be an object; found null"),
        ({"dataset": 5}, "/dataset", "must be an object; found 5, or this must be a string; found 5"),
        ({"dataset": {}}, "/dataset/id", "required"),
        ({"dataset": {"id": "x", "training": "y"}}, "/dataset/training", "no such field"),
        ({"dataset": {"id": "x", "validation_fraction": 2}}, "/dataset/validation_fraction", "less than 1; found 2"),
        ({"hyperparameters": {"epochs": "many"}}, "/hyperparameters/epochs", 'found "many"'),
        ({"labels": {"a": 1}}, "/labels/a", "must be a string; found 1"),
        ({"labels": {"": "x"}}, "/labels/", "at least 1 character"),
        ({"labels": {"a/b~c": 1}}, "/labels/a~1b~0c", "must be a string"),
        ({"engine": "cuda"}, "/engine", "'auto', 'jax' or 'coreml'; found \"cuda\""),
        ({"max_attempts": 0}, "/max_attempts", "greater than or equal to 1; found 0"),
        ({"surprise": 1}, "/surprise", "no such field"),
    ],
)
def test_a_fault_is_found_where_the_client_wrote_it(change: dict[str, Any], pointer: str, said: str) -> None:
    found = faults(GOOD | change)
    assert list(found) == [pointer]
    assert said in found[pointer]


def test_every_fault_is_told_at_once() -> None:
    assert set(faults({"dataset": {}, "max_attempts": 0})) == {"/model", "/dataset/id", "/max_attempts"}


@pytest.mark.parametrize("body", [[], "x", 3, None])
def test_a_body_that_is_no_object_is_at_fault_as_a_whole(body: object) -> None:
    assert list(faults(body)) == [""]


def test_a_long_value_is_shown_by_its_beginning() -> None:
    assert len(faults(GOOD | {"engine": "x" * 5000})["/engine"]) < 200
