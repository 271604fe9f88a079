"""Recognition of files of other formats: any bytes are accepted, and Pippin's own formats are never foreign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.documents.file_kinds import BINARY_SIGNATURES, SIGNATURES, kind_of, kind_of_members
from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset

_BEGINNINGS = [signature for _, signature, _ in (*SIGNATURES, *BINARY_SIGNATURES)] + [
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"{",
    b"[",
]


@given(st.sampled_from(_BEGINNINGS), st.binary(max_size=700), st.text(max_size=20), st.booleans())
def test_kind_of_accepts_any_bytes(begin: bytes, rest: bytes, name: str, is_whole: bool) -> None:
    kind = kind_of(begin + rest, name, is_whole=is_whole)
    assert kind is None or kind.as_data().startswith("is ")


@given(st.lists(st.text(max_size=30), max_size=10))
def test_kind_of_members_accepts_any_names(names: list[str]) -> None:
    kind_of_members(names)


@pytest.mark.parametrize(
    "begin",
    [
        build(resolve(preset("mnist-cnn"))),
        b"\0\0\x08\x03" + bytes(100),
        b"label,a\n1,2\n",
        "größe,label\n1,ä\n".encode(),
        b"P5 3 2 255\n" + bytes(6),
        b"5.1,3.5,1.4,0.2,Iris-setosa\n",
        b"% a comment\n1,2\n",
        b"-1.5,2\n",
        b'"a","b"\n1,2\n',
    ],
)
def test_files_that_pippin_reads_are_no_foreign_kind(begin: bytes) -> None:
    assert kind_of(begin, is_whole=True) is None
    assert kind_of(begin, "data.bin") is None
