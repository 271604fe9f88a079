import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.documents.errors import MalformedDocumentError, Place
from pippin.documents.yaml12 import MAX_LEVELS, loads, parse

# YAML's own limit: a key before its colon has at most 1,024 characters, and an escape takes six.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=100), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-8", 1e-8),
        ("1e5", 1e5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("007", 7),
        ("+3", 3),
        ("12:30", "12:30"),
        ("no", "no"),
        ("on", "on"),
        ("True", True),
        ("~", None),
        ("", None),
        ("2026-11-23", "2026-11-23"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("'1'", "1"),
        ("<<", "<<"),
        ("1e308", 1e308),
    ],
)
def test_scalar_has_its_yaml_12_value(text: str, value: object) -> None:
    parsed = parse(text)[0]
    assert (type(parsed), parsed) == (type(value), value)


@given(VALUES)
def test_ascii_json_document_has_its_json_value(value: object) -> None:
    text = json.dumps(value)
    assert "\\ud" in text or parse(text)[0] == json.loads(text)


def test_every_value_has_its_place_by_pointer() -> None:
    _, places = parse("model:\n  spec:\n    layers:\n      - type: relu\n      - {type: a/b, ~x: 1}\nepochs: 3\n")
    assert {pointer: (place.line, place.column) for pointer, place in places.items()} == {
        "": (1, 1),
        "/model": (1, 1),
        "/model/spec": (2, 3),
        "/model/spec/layers": (3, 5),
        "/model/spec/layers/0": (4, 9),
        "/model/spec/layers/0/type": (4, 9),
        "/model/spec/layers/1": (5, 9),
        "/model/spec/layers/1/type": (5, 10),
        "/model/spec/layers/1/~0x": (5, 21),
        "/epochs": (6, 1),
    }


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("a: 1\nb: [1, 2\n", Place(3, 1), "expected"),
        ("a: 1\na: 2\n", Place(2, 1), "second time"),
        ("a:\n  ? [1]\n  : 2\n", Place(2, 5), "key must be text"),
        ("a: &x [*x]\n", Place(1, 8), "alias is inside"),
        ("a: *x\nb: &x 1\n", Place(1, 4), "no earlier value has the anchor 'x'"),
        ("a: &x 1\n*x : 2\n", Place(2, 1), "key must be text"),
        ("a: !!map [1]\n", Place(1, 4), "tag"),
        ("a: !!seq x\n", Place(1, 4), "tag"),
        ("a: !!int x\n", Place(1, 4), "not a number that can be read"),
        ("a: !!python/object/apply:os.getcwd []\n", Place(1, 4), "tag"),
        ("a: !!binary aGk=\n", Place(1, 4), "tag"),
        ("a: 1e999\n", Place(1, 4), "too large for a number"),
        ("a: " + "1" * 5000, Place(1, 4), "not a number that can be read"),
        ("a: 1\n---\nb: 2\n", Place(2, 1), "document"),
        ("a: b\n\tc: d", Place(2, 1), "tab"),
    ],
)
def test_error_has_line_and_column(text: str, place: Place, why: str) -> None:
    with pytest.raises(MalformedDocumentError, match=why) as caught:
        parse(text)
    assert caught.value.place == place


def test_too_deep_nesting_is_refused() -> None:
    with pytest.raises(MalformedDocumentError, match="nested too deeply"):
        parse("[" * 100_000)
    assert loads("[" * MAX_LEVELS + "]" * MAX_LEVELS)


def test_control_character_is_refused() -> None:
    with pytest.raises(MalformedDocumentError, match="character 4 cannot stand"):
        parse("é: \x00")


def test_alias_has_the_value_of_its_last_anchor() -> None:
    assert loads("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert loads("- &x 1\n- *x\n- &x {a: &y [2]}\n- *x\n- *y\n") == [1, 1, {"a": [2]}, {"a": [2]}, [2]]


def test_place_of_an_aliased_value_is_that_of_the_alias() -> None:
    _, places = parse("a: &x {b: 1}\nc:\n  - *x\n")
    assert places["/a/b"] == Place(1, 8)
    assert places["/c/0"] == Place(3, 5)
    assert "/c/0/b" not in places


@pytest.mark.parametrize("levels", [6, 90])
def test_exponentially_nested_aliases_are_refused(levels: int) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    with pytest.raises(MalformedDocumentError, match="more than 10,000 values"):
        loads("\n".join(lines))


def test_number_of_tag_directives_is_limited() -> None:
    # libyaml compares each with all before it: 20,000 took 2 s, so these would take hours.
    lines = [f"%TAG !x{number}! tag:a,2000:\n" for number in range(1_000_000)]
    with pytest.raises(MalformedDocumentError, match="more than 10 lines that begin with %TAG") as caught:
        loads("".join(lines) + "---\n1")
    assert caught.value.place == Place(11, 1)
    assert loads("%TAG ! tag:a,2000:\n---\n1") == 1
    assert loads("a: |\n" + "  %TAG\n" * 20) == {"a": "%TAG\n" * 20}
