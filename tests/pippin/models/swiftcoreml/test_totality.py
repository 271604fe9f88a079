"""Whatever is read, it ends with a translation or with faults, and soon."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.errors import Fault
from pippin.models.spec import SpecError, resolve
from pippin.models.swiftcoreml import SwiftDocumentError, Translation, from_swift
from pippin.models.swiftcoreml.layers import LAYERS_BY_THEIRS
from tests.support.paths import SWIFT_EXAMPLE

EXAMPLE = json.loads(SWIFT_EXAMPLE.read_text())


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - any JSON value
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inside:
        yield from _paths(entry, (*path, key))


PATHS = list(_paths(EXAMPLE))[1:]
KEYS = sorted({str(part) for path in PATHS for part in path} | {"weight", "bias", "same", "includeLastPixel", "alpha"})
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 2, 3, 10**4000, -(10**4000), 2**31, 1e300])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([*KEYS, *LAYERS_BY_THEIRS])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner),
    max_leaves=20,
)


def _translated(document: object) -> Translation | tuple[Fault, ...]:
    """What becomes of it: faults, of which there must be some, or a translation."""
    try:
        return from_swift(document)
    except SwiftDocumentError as error:
        return error.faults


def _resolved(translation: Translation) -> Iterator[Fault]:
    """The faults of the spec, as its own pointers say them."""
    try:
        resolve(translation.spec)
    except SpecError as error:
        yield from error.faults


def _mutated(changes: list[tuple[tuple[str | int, ...], object]]) -> Any:  # noqa: ANN401 - any JSON value
    document = copy.deepcopy(EXAMPLE)
    for path, value in changes:
        here = document
        for part in path[:-1]:
            here = here[part] if _holds(here, part) else None
        if value is not ... and (_holds(here, path[-1]) or isinstance(here, dict)):
            here[path[-1]] = value
        elif _holds(here, path[-1]):
            del here[path[-1]]
    return document


def _holds(value: object, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _leads_somewhere(document: object, pointer: str) -> bool:
    """Whether all but the last part of a pointer is in the document: what it names may be what is missing."""
    here = document
    for part in pointer.split("/")[1:-1]:
        key = part.replace("~1", "/").replace("~0", "~")
        here = here[int(key)] if isinstance(here, list) else here.get(key) if isinstance(here, dict) else None
    return isinstance(here, dict | list) or pointer == ""


@given(VALUES)
def test_any_json_value_is_translated_or_refused(document: object) -> None:
    for model in (document, {"neuralNetwork": document}, {"neuralNetwork": {"layers": [document]}}):
        assert _translated(model)


@given(st.sampled_from(sorted(LAYERS_BY_THEIRS)), st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_a_layer_of_any_fields_is_translated_or_refused(kind: str, base: dict[str, object]) -> None:
    assert _translated({"neuralNetwork": {"layers": [{"type": kind, "base": base}]}})


@given(st.lists(st.tuples(st.sampled_from(PATHS), VALUES | st.just(...)), min_size=1, max_size=3))
def test_broken_model_is_translated_or_gets_located_faults(changes: list[tuple[tuple[str | int, ...], object]]) -> None:
    document = _mutated(changes)
    found = _translated(document)
    if isinstance(found, Translation):
        pointers = [note.pointer for note in found.notes]
        pointers += [found.original(fault.pointer) for fault in _resolved(found)]
    else:
        pointers = [fault.pointer for fault in found]
        assert pointers
    for pointer in pointers:
        assert _leads_somewhere(document, pointer), pointer


@pytest.mark.parametrize(
    "document",
    [
        {"neuralNetwork": {"layers": [{"type": "reLu", "base": {"input": ["x"] * 9}}] * 20_000}},
        {"neuralNetwork": {"layers": [{"type": str(number)} for number in range(20_000)]}},
        {"neuralNetwork": {}, "inputs": {str(number): {"name": "x"} for number in range(20_000)}},
        {"neuralNetwork": {}} | {str(number): number for number in range(200_000)},
        {"neuralNetwork": {"layers": [{"type": "x" * 1_000_000, "base": []}]}},
        {"neuralNetwork": {"layers": [{"type": "innerProduct", "base": {
            "inputChannels": 1000, "outputChannels": 1000, "weight": [0.5] * 1_000_000, "bias": ["x"] * 1000}}]}},
        {"neuralNetwork": {"layers": [{"type": "convolution", "base": {
            "outputChannels": 2**31, "kernelChannels": 2**31, "kernelSize": [10**4000] * 10_000,
            "weight": [], "bias": []}}]}},
    ],
    ids=["layers", "unknown types", "features", "unknown keys", "long word", "weights", "large sizes"],
)  # fmt: skip
def test_adversarial_document_is_read_before_the_timeout(document: object) -> None:
    # Quadratic work takes many minutes here, and the timeout of a test is two.
    assert _translated(document)


def test_deep_nesting_does_not_crash() -> None:
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    base = {"name": deep, "input": deep, "stride": deep, "dilationFactor": deep, "outputShape": deep, "weight": deep}
    for kind in LAYERS_BY_THEIRS:
        layer = {"type": kind, "base": base | {"paddingType": {"valid": deep}}}
        assert _translated({"neuralNetwork": {"layers": [layer]}})
    assert _translated({"neuralNetwork": {"losses": deep, "optimizer": deep, "epochSet": deep}, "inputs": {"x": deep}})
    # Taken apart from the outside, or Python itself would follow it down when it lets go of it.
    while isinstance(deep, list) and deep:
        deep = deep.pop()
