import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.system.terminal import printable, printable_json, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, größer, 日本, 👩‍🔬, ‎"[:-1], "plain, größer, 日本, 👩‍🔬, "),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31mred", r"\x9b31mred"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("one\ntwo\r\tthree\x85four\u2028five", r"one\x0atwo\x0d\x09three\x85four\u2028five"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_printable_lines_keeps_newlines_and_tabs() -> None:
    assert printable_lines("a\n\tb\x1b\r") == "a\n\tb\\x1b\\x0d"


@given(st.text(st.characters()))
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert printable(shown) == shown
    assert shown.splitlines() == ([shown] if shown else [])


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters())))
def test_printable_json_has_the_same_value(document: dict[str, str]) -> None:
    text = printable_json(json.dumps(document, ensure_ascii=False))
    assert json.loads(text) == document
    assert printable(text) == text
