import gzip
import re
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.datasets.errors import DatasetError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from tests.pippin.datasets.samples import Refusal, Store, idx, train_split_of, zipped

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


FOUR = {
    "train-images-idx3-ubyte": idx(IMAGES),
    "train-labels-idx1-ubyte": idx([7, 3]),
    "t10k-images-idx3-ubyte": idx(IMAGES[:1]),
    "t10k-labels-idx1-ubyte": idx([9]),
}
COMPRESSED = {f"{name}.gz": gzip.compress(content) for name, content in FOUR.items()}
MACOS_FILES = {"mnist/": b"", "mnist/.DS_Store": b"x", "__MACOSX/mnist/._train-images-idx3-ubyte.gz": b"x"}
ONE_ZIP = {"mnist.zip": zipped(MACOS_FILES | {f"mnist/{name}": content for name, content in COMPRESSED.items()})}


@pytest.mark.parametrize("files", [FOUR, COMPRESSED, ONE_ZIP], ids=["plain", "compressed", "in one ZIP of macOS"])
def test_the_four_files_of_mnist_make_two_splits(store: Store, files: dict[str, bytes]) -> None:
    dataset = store(files)
    assert dataset.manifest.format == "idx"
    assert [*dataset.splits.items()] == [("train", 2), ("test", 1)]
    assert [*dataset.shapes] == ["image", "label"]
    assert dataset.feature("image") == ((1, 3, 4), "uint8", 1 / 255)
    assert dataset.feature("label") == ((1,), "int32", 1.0)
    assert dataset.values("train/image") == IMAGES[:, None].tolist()
    assert dataset.values("train/label") == [[7], [3]]
    assert dataset.values("test/label") == [[9]]
    assert dataset.labels is None


def test_two_files_of_any_name_are_a_training_split(store: Store) -> None:
    dataset = store({"pictures.bin": idx(IMAGES), "numbers.bin": idx([1, 2])})
    assert set(dataset.arrays) == {"train/image", "train/label"}


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("i1", [[-1, 2]], "int32"),
        ("i2", [[-300, 2]], "int32"),
        ("i4", [[-70000, 2]], "int32"),
        ("f4", [[0.5, 2]], "float32"),
        ("f8", [[0.5, 2]], "float32"),
    ],
)
def test_other_number_types_are_read(store: Store, kind: str, values: object, dtype: str) -> None:
    dataset = store({"images": idx(values, kind), "labels": idx([1.0], kind)})
    assert dataset.feature("image") == ((2,), dtype, 1.0)
    assert dataset.values("train/image") == values
    assert dataset.feature("label")[1] == dtype


def test_scale_option_overrides_the_scale(store: Store) -> None:
    assert store(FOUR, scale="0.5").feature("image")[2] == 0.5


HEADER = b"\0\0\x08\x01\0\0\0\x02"
GOOD = idx(IMAGES)


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        (GOOD, b"\0\0\x07\x01\0\0\0\x02ab", r"labels is not an IDX file: it begins with the bytes 00 00 07 01"),
        (GOOD, b"\0\0\x08\0", r"labels is not an IDX file"),
        (GOOD, b"", r"labels is empty \(0 bytes\); send it again"),
        (GOOD, b"\0\0\x08\x03\0\0\0\x02\0\0", r"labels ends at byte 10, in the middle of its 3 dimensions"),
        (GOOD, HEADER + b"a", r"end at byte 10, but the file ends at byte 9"),
        (GOOD, HEADER + b"abc", r"end at byte 10, but the file continues after it"),
        (GOOD, b"\0\0\x08\x01\0\0\0\0", r"declares the dimensions 0"),
        (GOOD, b"\0\0\x08\x03" + b"\xff" * 12 + b"a", r"declares 4,294,967,295 examples"),
        (GOOD, b"\0\0\x08\x01\0\0\0\x03abc", r"images holds 2 images and labels 3 labels"),
        (HEADER + b"ab", HEADER + b"ab", r"images and labels both hold the labels of the split train"),
        (idx([[1, 2], [3, np.nan]], "f4"), HEADER + b"ab", r"images example 2 holds nan, which is not a finite number"),
        (
            idx([[1e300, 1], [2, 2]], "f8"),
            HEADER + b"ab",
            r"images example 1 holds 1e\+300, which a 32-bit float cannot hold",
        ),
    ],
)
def test_malformed_file_is_refused_with_its_position(
    refusal: Refusal, images: bytes, labels: bytes, expected: str
) -> None:
    assert re.search(expected, refusal({"images": images, "labels": labels}, format="idx"))


def test_images_or_labels_alone_are_refused(refusal: Refusal) -> None:
    assert "train-images has no matching file of labels" in refusal({"train-images": idx(IMAGES)})
    assert "labels has no matching file of images" in refusal({"labels": idx([1])})


def test_splits_of_different_shapes_are_refused(refusal: Refusal) -> None:
    files = FOUR | {"t10k-images-idx3-ubyte": idx(IMAGES[:1, :2])}
    assert "of shape [1, 2, 4], where another split has uint8 of shape [1, 3, 4]" in refusal(files)


def test_too_many_examples_are_refused(refusal: Refusal) -> None:
    assert "declares 2 examples; 1 are allowed" in refusal(FOUR, DatasetLimits(max_examples=1))
    assert "has 3 examples; 2 are allowed" in refusal(FOUR, DatasetLimits(max_examples=2))


def read(images: bytes, labels: bytes) -> dict[str, list[Any]]:
    arrays, _ = train_split_of({"images": images, "labels": labels}, DatasetOptions(format="idx"))
    return {name: array.tolist() for name, array in arrays.items()}


@given(
    st.integers(1, 5).flatmap(
        lambda count: st.tuples(
            st.lists(st.lists(st.integers(0, 255), min_size=4, max_size=4), min_size=count, max_size=count),
            st.lists(st.integers(0, 255), min_size=count, max_size=count),
        )
    )
)
def test_written_examples_read_back(examples: tuple[list[list[int]], list[int]]) -> None:
    images, labels = examples
    count = len(labels).to_bytes(4, "big")
    arrays = read(
        b"\0\0\x08\x03" + count + b"\0\0\0\x02\0\0\0\x02" + b"".join(map(bytes, images)),
        b"\0\0\x08\x01" + count + bytes(labels),
    )
    assert arrays["label"] == [[label] for label in labels]
    assert arrays["image"] == [[[image[:2], image[2:]]] for image in images]


@given(st.data())
def test_damaged_bytes_are_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(b"\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02abcdefgh")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] + data.draw(st.binary(max_size=8))
    with suppress(DatasetError):
        assert len(read(bytes(content), b"\0\0\x08\x01\0\0\0\x02ab")["image"]) == 2
