import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.files import attachment, safe_name


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("mnist", "mnist"),
        ("Größe 1", "Größe 1"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\r\nSet-Cookie: b", "a-Set-Cookie- b"),
        ("..", "otherwise"),
        ("   ", "otherwise"),
        ("x" * 400, "x" * 150),
        ("\u202egpj", "gpj"),
    ],
)
def test_safe_name_replaces_unsafe_characters(name: str, stem: str) -> None:
    assert safe_name(name, "otherwise") == stem


def test_only_non_ascii_names_get_an_encoded_filename() -> None:
    assert attachment("mnist.mlmodel") == 'attachment; filename="mnist.mlmodel"'
    assert (
        attachment("Größe.mlmodel")
        == "attachment; filename=\"Gr__e.mlmodel\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.mlmodel"
    )


@given(st.text())
def test_attachment_header_round_trips_any_name(name: str) -> None:
    filename = f"{safe_name(name, 'job')}.mlmodel"
    value = attachment(filename)
    assert re.fullmatch(r"[\x20-\x7e]+", value)
    exact = re.search(r"filename\*=UTF-8''(\S+)$", value)
    assert (unquote(exact[1]) if exact else re.findall(r'"([^"]*)"', value)[0]) == filename
