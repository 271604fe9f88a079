import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.ids import is_id, new_id

MOMENTS = st.integers(min_value=0, max_value=2**48 - 1)


def test_an_id_has_its_kind_and_26_characters_of_crockfords_alphabet() -> None:
    for kind in ("job", "ds", "model"):
        assert re.fullmatch(kind + "_[0-9a-hjkmnp-tv-z]{26}", new_id(kind))


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_their_time(first: int, second: int) -> None:
    if first != second:
        assert (new_id("job", first) < new_id("job", second)) == (first < second)


@given(MOMENTS)
def test_id_begins_with_its_time_and_the_rest_is_random(moment: int) -> None:
    first, second = new_id("job", moment), new_id("job", moment)
    assert first != second
    assert first[:13] == second[:13]


def test_ids_of_the_same_moment_differ() -> None:
    assert len({new_id("job", 0) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["", "job_", "job_" + "0" * 25, "job_" + "0" * 25 + "l", "ds_" + "0" * 26, "x"])
@pytest.mark.parametrize("more", ["", "\n", ":events", " "])
def test_malformed_id_is_recognised(text: str, more: str) -> None:
    assert is_id(new_id("job"), "job")
    assert not is_id(text + more, "job")
    assert not more or not is_id(new_id("job") + more, "job")
