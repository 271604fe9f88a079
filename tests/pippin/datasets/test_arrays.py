import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from pippin.api.datasets import Feature
from pippin.datasets.arrays import open_arrays, write_arrays
from pippin.datasets.errors import DatasetError
from pippin.datasets.parsed import ParsedDataset

ARRAYS: dict[str, dict[str, Any]] = {
    "train": {
        "image": np.arange(3 * 5, dtype=np.uint8).reshape(3, 1, 1, 5),
        "label": np.array([[1], [-2], [3]], np.int32),
        "x": np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
    },
    "test": {
        "image": np.zeros((1, 1, 1, 5), np.uint8),
        "label": np.array([[2**31 - 1]], np.int32),
        "x": np.ones((1, 4), np.float32),
    },
}
FEATURES = (
    Feature(name="image", shape=(1, 1, 5), dtype="uint8", scale=0.5),
    Feature(name="label", shape=(1,), dtype="int32"),
    Feature(name="x", shape=(4,), dtype="float32"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "arrays"
    write_arrays(ParsedDataset("npz", FEATURES, ARRAYS), path)
    return path


def test_arrays_read_back_unchanged_and_as_safetensors(path: Path) -> None:
    expected = {f"{split}/{name}": array for split, arrays in ARRAYS.items() for name, array in arrays.items()}
    for arrays in (open_arrays(path), load_file(path)):
        assert {name: (array.dtype, array.tolist()) for name, array in arrays.items()} == {
            name: (array.dtype, array.tolist()) for name, array in expected.items()
        }
    assert all(array.flags.aligned and not array.flags.writeable for array in open_arrays(path).values())


def test_the_same_arrays_give_the_same_bytes(path: Path, tmp_path: Path) -> None:
    swapped = {split: dict(reversed(ARRAYS[split].items())) for split in reversed(ARRAYS)}
    write_arrays(ParsedDataset("npz", FEATURES, swapped), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def stored(header: object, data: bytes = bytes(16)) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(**changes: object) -> dict[str, Any]:
    return {"a/x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "cannot have a header"),
        (bytes(7), "cannot have a header"),
        (b"\xff" * 16, "cannot have a header"),
        (bytes(16), "is not JSON"),
        (b"\x02" + bytes(7) + b"[]", "names no arrays"),
        (b"\x02" + bytes(7) + b"{}", "names no arrays"),
        (stored(tensor(dtype="F64")), "needs dtype, shape and data_offsets"),
        (stored(tensor(shape=4)), "needs dtype, shape and data_offsets"),
        (stored(tensor(data_offsets=[0, "16"])), "needs dtype, shape and data_offsets"),
        (stored({"a/x": None}), "needs dtype, shape and data_offsets"),
        (stored(tensor(shape=[])), "impossible shape"),
        (stored(tensor(shape=[-4])), "impossible shape"),
        (stored(tensor(shape=[0, 2**70])), "impossible shape"),
        (stored(tensor(shape=[True, 4])), "impossible shape"),
        (stored(tensor(shape=[5])), "but needs 20 bytes"),
        (stored(tensor(data_offsets=[-4, 12])), "bytes -4 to 12"),
        (stored(tensor(data_offsets=[4, 20])), "bytes 4 to 20 of 16"),
        (stored(tensor(), bytes(15)), "bytes 0 to 16 of 15"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(DatasetError, match=re.escape(expected)):
        open_arrays(tmp_path / "damaged")


@given(st.data())
def test_damaged_header_never_reads_outside_the_file(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(stored(tensor() | {"b/y": {"dtype": "U8", "shape": [2, 2], "data_offsets": [0, 4]}}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 17))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "arrays"
    path.write_bytes(content)
    with suppress(DatasetError):
        assert all(len(array.tobytes()) <= 16 for array in open_arrays(path).values())
