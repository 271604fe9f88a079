import gzip
import io
import random
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.datasets.errors import DatasetError, DatasetTooLargeError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import prepare
from pippin.datasets.upload import Upload, spool
from tests.pippin.datasets.samples import Refusal, Store, zipped

TABLE = b"label,a\n1,2\n"


@pytest.mark.parametrize(
    "name",
    ["../train.csv", "a/../../train.csv", "/etc/train.csv", r"..\train.csv", r"C:\train.csv", "a\nb.csv", "a" * 2000],
)
def test_path_outside_the_zip_is_refused(refusal: Refusal, name: str) -> None:
    assert "which is not a path inside it" in refusal({"": zipped({name: TABLE})})


def test_nothing_is_written_outside_the_work_directory(store: Store, tmp_path: Path, refusal: Refusal) -> None:
    store({"../../outside.csv": TABLE})
    refusal({"": zipped({"../outside.csv": TABLE})})
    assert not list(tmp_path.parent.rglob("outside.csv"))


def deflated(members: dict[str, bytes]) -> bytes:
    return zipped(members, zipfile.ZIP_DEFLATED)


@pytest.mark.full
def test_decompression_bomb_is_stopped_by_its_unpacked_size(refusal: Refusal) -> None:
    limits = DatasetLimits(max_unpacked_bytes=10**6)
    bomb = b"label,a\n" + b"1,2\n" * 10**6
    assert "unpacks to more than the 1,000,000 bytes allowed" in refusal({"d.csv.gz": gzip.compress(bomb)}, limits)
    assert "unpacks to more than the 1,000,000 bytes allowed" in refusal({"": deflated({"d.csv": bomb})}, limits)
    # A bomb in pieces, and one inside another.
    pieces = {f"part{number}.csv": b"label,a\n" + b"1,2\n" * 60_000 for number in range(9)}
    assert "unpacks to more" in refusal({"": deflated(pieces)}, limits)
    nested = {"d.csv.gz": gzip.compress(b"") * 10**5}
    assert "unpacks to more" in refusal({"": deflated(nested)}, limits, format="csv")


def test_decompression_bomb_with_a_false_size_is_stopped(refusal: Refusal) -> None:
    bomb = b"label,a\n" + b"1,2\n" * 10**6
    honest = deflated({"d.csv": bomb})
    lying = honest.replace(struct.pack("<I", len(bomb)), struct.pack("<I", 12))
    assert lying != honest
    message = refusal({"": lying}, DatasetLimits(max_unpacked_bytes=10**6), format="csv")
    assert "damaged" in message or "unpacks to more" in message


def encrypted(data: bytes) -> bytes:
    """The flag of encryption set in both headers of the only member."""
    changed = bytearray(data)
    changed[data.index(b"PK\x03\x04") + 6] |= 1
    changed[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encrypted(deflated({"d.csv": TABLE})), "d.csv in the ZIP is encrypted"),
        (zipped({"d.csv": TABLE}, zipfile.ZIP_LZMA), "d.csv in the ZIP is compressed by method 14"),
        (deflated({"d.csv": TABLE})[:-10], "the upload is a damaged ZIP"),
        (zipped({}), "the upload is a ZIP without files"),
        (zipped({"a/": b"", ".DS_Store": b""}), "a ZIP without files"),
    ],
    ids=["encrypted", "another compression", "cut off", "empty", "no file but of macOS"],
)
def test_unreadable_zip_is_refused_with_the_reason(refusal: Refusal, content: bytes, expected: str) -> None:
    assert expected in refusal({"": content})


def test_duplicate_name_in_a_zip_is_refused(refusal: Refusal) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("d.csv", TABLE)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("d.csv", TABLE)
    assert "the ZIP holds 'd.csv' 2 times" in refusal({"": data.getvalue()})


def test_too_many_files_are_refused(refusal: Refusal) -> None:
    limits = DatasetLimits(max_files=1)
    assert "holds 2 files; 1 are allowed" in refusal({"": zipped({"a.csv": TABLE, "b.csv": TABLE})}, limits)
    assert "has 2 files; 1 are allowed" in refusal({"a.csv": TABLE, "b.csv": TABLE}, limits)


def test_too_large_zip_directory_is_refused_unread(refusal: Refusal) -> None:
    entry = b"PK\x01\x02" + bytes(42)
    count = 60_000
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, count * len(entry), 30, 0)
    data = b"PK\x03\x04" + bytes(26) + entry * count + end
    assert "the ZIP's directory is larger" in refusal({"": data}, DatasetLimits(max_files=1000))


def test_zip_among_plain_files_is_refused(refusal: Refusal) -> None:
    assert "b.zip is a ZIP among 2 files" in refusal({"a.csv": TABLE, "b.zip": zipped({"c.csv": TABLE})})


def test_damaged_compression_is_refused(refusal: Refusal) -> None:
    table = b"label,a\n" + "".join(f"{random.Random(at).random()},2\n" for at in range(1000)).encode()
    whole = gzip.compress(table)
    assert "d.csv.gz is damaged or cut short" in refusal({"d.csv.gz": whole[:-20]})
    assert "d.csv.gz is damaged or cut short" in refusal({"d.csv.gz": whole[:200] + b"\xff" * 50 + whole[250:]})
    assert "d.csv.gz is damaged or cut short" in refusal({"d.csv.gz": whole[:-8] + bytes(8)})


def test_empty_upload_is_refused(refusal: Refusal) -> None:
    assert "the upload is empty" in refusal({"": b""})
    assert "the upload is empty" in refusal({})


def test_unknown_format_is_refused(refusal: Refusal) -> None:
    assert "d.bin begins with the bytes 7f 45 4c 46" in refusal({"d.bin": b"\x7fELF\0\0\0\0"})
    assert "begins with the bytes ff fe" in refusal({"d.csv": b"\xff\xfe\0\0\0\0\0\0"})


@given(st.data())
def test_damaged_zip_is_refused_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(deflated({"train.csv": TABLE, "test.csv": TABLE}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("damaged")
    upload = Upload((spool([bytes(content)], folder / "sent", name="", limit=10**6),))
    with suppress(DatasetError):
        prepared = prepare(upload, DatasetOptions(), DatasetLimits(max_unpacked_bytes=10**6), folder)
        assert prepared.arrays_path.stat().st_size > 0


def test_spool_stops_at_its_limit_and_leaves_no_file(tmp_path: Path) -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(10):
            taken.append(number)
            yield bytes(100)

    with pytest.raises(DatasetTooLargeError, match="larger than the 250 bytes allowed"):
        spool(chunks(), tmp_path / "sent", name="x", limit=250)
    assert taken == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []


def test_content_key_depends_on_names_bytes_and_options(send: Callable[..., Upload]) -> None:
    base = {"a.csv": b"1", "b.csv": b"2"}
    key = send(base).content_key(DatasetOptions())
    assert re.fullmatch("sha256:[0-9a-f]{64}", key)
    assert key == send(dict(reversed(base.items()))).content_key(DatasetOptions())
    assert key != send(base).content_key(DatasetOptions(scale=0.5))
    for other in ({"a.csv": b"1", "c.csv": b"2"}, {"a.csv": b"1", "b.csv": b"3"}):
        assert key != send(other).content_key(DatasetOptions())
