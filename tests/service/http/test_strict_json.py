import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.documents.strict_json import dumped
from service.http.bodies import MAX_VALUES, parse_json
from service.problems import Problem


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "line 1, column 1"),
        (b'{"a": 1,}', "line 1, column"),
        (b'{"a":\n nope}', "line 2, column 2"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "1e999"),
        (b'{"a": 1, "b": 2, "a": 3}', 'key "a" twice'),
        (b'{"a": {"b": 1, "b": 1}}', 'key "b" twice'),
        (b'"\xff"', "UTF-8"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\uDC00": 1}', "surrogate"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "digits"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
)
def test_invalid_json_is_refused_with_the_place_or_the_reason(body: bytes, message: str) -> None:
    with pytest.raises(Problem) as raised:
        parse_json(body)
    assert raised.value.status_code == 400
    assert message.lower() in raised.value.detail.lower()


@given(
    st.recursive(
        st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner),
    )
)
def test_dumped_pieces_join_to_the_values_json(value: object) -> None:
    assert "".join(dumped(value)) == json.dumps(value, sort_keys=True)


def test_a_long_list_is_written_in_pieces() -> None:
    value = [0, [1] * 25_000, {"a": [2]}, 3]
    pieces = list(dumped(value))
    assert "".join(pieces) == json.dumps(value)
    assert max(map(len, pieces)) < 50_000


def test_surrogate_pair_is_one_character() -> None:
    assert parse_json(b'"\\ud83c\\udf4e"') == "🍎"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_round_trips(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([1] * (MAX_VALUES + 1), ""),
        ({"model": {"spec": {"layers": [{"input": ["a"] * MAX_VALUES}]}}}, "/model/spec/layers/0/input"),
        ({"labels": {f"a/{n}": 1 for n in range(MAX_VALUES)}}, "/labels"),
        ([{"a": [n]} for n in range(MAX_VALUES // 2)], "/"),
        ({"weights": {str(n): [] for n in range(MAX_VALUES)}}, "/weights"),
    ],
)
def test_too_many_values_are_refused_with_their_pointer(document: object, where: str) -> None:
    with pytest.raises(Problem) as raised:
        parse_json(json.dumps(document).encode())
    assert raised.value.status_code == 422
    (fault,) = raised.value.errors
    assert str(fault.pointer).startswith(where)
    assert f"more than {MAX_VALUES:,} values" in fault.detail


def test_weight_arrays_are_exempt_from_the_value_limit() -> None:
    weights = [[0.5] * 10] * (MAX_VALUES // 10 + 1)
    layers = [{"weights": weights}, {"base": {"weight": weights, "bias": [1] * MAX_VALUES}}]
    assert parse_json(json.dumps(layers).encode()) == layers
