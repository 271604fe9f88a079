import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.cli.yaml12 import Place, YamlError, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
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
    ],
)
def test_a_scalar_is_what_yaml_12_says(text: str, value: object) -> None:
    assert parse(text)[0] == value
    assert type(parse(text)[0]) is type(value)


@given(VALUES)
def test_a_json_document_of_plain_ascii_means_what_json_says(value: object) -> None:
    text = json.dumps(value)
    assert "\\ud" in text or parse(text)[0] == json.loads(text)


def test_the_place_of_every_value_is_known_by_its_pointer() -> None:
    _, places = parse("model:\n  spec:\n    layers:\n      - type: relu\n      - {type: a/b, ~x: 1}\nepochs: 3\n")
    assert places[""] == Place(1, 1)
    assert places["/model/spec"] == Place(2, 3)
    assert places["/model/spec/layers/0"] == Place(4, 9)
    assert places["/model/spec/layers/0/type"] == Place(4, 9)
    assert places["/model/spec/layers/1/~0x"] == Place(5, 21)
    assert places["/epochs"] == Place(6, 1)


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("a: 1\nb: [1, 2\n", Place(3, 1), "expected"),
        ("a: 1\na: 2\n", Place(2, 1), "second time"),
        ("a:\n  ? [1]\n  : 2\n", Place(2, 5), "key must be text"),
        ("a: &x [*x]\n", Place(1, 4), "alias stands inside"),
        ("a: !!python/object/apply:os.getcwd []\n", Place(1, 4), "tag"),
        ("a: !!binary aGk=\n", Place(1, 4), "tag"),
        ("a: 1e999\n", Place(1, 4), "larger than a number can be"),
        ("a: " + "1" * 5000, Place(1, 4), "not a number that can be read"),
        ("a: 1\n---\nb: 2\n", Place(2, 1), "document"),
        ("a: \tb\n\tc: d", Place(1, 4), "token"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_column(text: str, place: Place, why: str) -> None:
    with pytest.raises(YamlError, match=why) as caught:
        parse(text)
    assert caught.value.place == place


def test_a_tower_of_brackets_is_refused_and_breaks_nothing() -> None:
    with pytest.raises(YamlError, match="nested too deeply"):
        parse("[" * 100_000)


def test_what_is_no_text_is_told() -> None:
    with pytest.raises(YamlError, match="character 4 cannot stand"):
        parse("a: \x00")


def test_an_alias_stands_for_its_anchor() -> None:
    assert parse("a: &x {b: [1]}\nc: *x\n")[0] == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_numbers_stay_finite() -> None:
    assert math.isfinite(parse("1e308")[0])
