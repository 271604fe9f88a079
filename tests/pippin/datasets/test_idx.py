import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.datasets.errors import DatasetError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import parse
from pippin.datasets.upload import Upload, spool

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def four(idx: Callable[..., bytes]) -> dict[str, bytes]:
    return {
        "train-images-idx3-ubyte": idx(IMAGES),
        "train-labels-idx1-ubyte": idx([7, 3]),
        "t10k-images-idx3-ubyte": idx(IMAGES[:1]),
        "t10k-labels-idx1-ubyte": idx([9]),
    }


def check_four(store: Callable[..., Any], files: dict[str, bytes]) -> None:
    dataset = store(files)
    assert dataset.manifest.format == "idx"
    assert [(split.name, split.examples) for split in dataset.manifest.splits] == [("train", 2), ("test", 1)]
    assert dataset.feature("image") == ((1, 3, 4), "uint8", 1 / 255)
    assert dataset.feature("label") == ((1,), "int32", 1.0)
    assert [feature.name for feature in dataset.manifest.features] == ["image", "label"]
    assert dataset.arrays["train/image"].tolist() == IMAGES[:, None].tolist()
    assert dataset.arrays["train/label"].tolist() == [[7], [3]]
    assert dataset.arrays["test/label"].tolist() == [[9]]
    assert dataset.manifest.labels is None


def test_the_four_files_of_mnist_make_two_splits(store: Callable[..., Any], four: dict[str, bytes]) -> None:
    check_four(store, four)


def test_files_can_be_compressed(
    store: Callable[..., Any], four: dict[str, bytes], gz: Callable[[bytes], bytes]
) -> None:
    check_four(store, {f"{name}.gz": gz(content) for name, content in four.items()})


def test_files_can_come_in_one_zip_with_macos_files(
    store: Callable[..., Any], four: dict[str, bytes], gz: Callable[[bytes], bytes], zipped: Callable[..., bytes]
) -> None:
    inside = {f"mnist/{name}.gz": gz(content) for name, content in four.items()}
    litter = {"mnist/": b"", "mnist/.DS_Store": b"x", "__MACOSX/mnist/._train-images-idx3-ubyte.gz": b"x"}
    check_four(store, {"mnist.zip": zipped(litter | inside)})


def test_two_files_of_any_name_are_a_training_split(store: Callable[..., Any], idx: Callable[..., bytes]) -> None:
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
def test_other_number_types_are_read(
    store: Callable[..., Any], idx: Callable[..., bytes], kind: str, values: object, dtype: str
) -> None:
    dataset = store({"images": idx(values, kind), "labels": idx([1.0], kind)})
    assert dataset.feature("image") == ((2,), dtype, 1.0)
    assert dataset.arrays["train/image"].tolist() == values
    assert dataset.feature("label")[1] == dtype


def test_scale_option_overrides_the_scale(store: Callable[..., Any], four: dict[str, bytes]) -> None:
    assert store(four, scale="0.5").feature("image")[2] == 0.5


HEADER = b"\0\0\x08\x01\0\0\0\x02"


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        ("good", b"\0\0\x07\x01\0\0\0\x02ab", r"labels is not an IDX file: it begins with the bytes 00 00 07 01"),
        ("good", b"\0\0\x08\0", r"labels is not an IDX file"),
        ("good", b"", r"labels is empty \(0 bytes\); send it again"),
        ("good", b"\0\0\x08\x03\0\0\0\x02\0\0", r"labels ends at byte 10, in the middle of its 3 dimensions"),
        ("good", HEADER + b"a", r"end at byte 10, but the file ends at byte 9"),
        ("good", HEADER + b"abc", "end at byte 10, but the file continues after it"),
        ("good", b"\0\0\x08\x01\0\0\0\0", r"declares the dimensions 0"),
        ("good", b"\0\0\x08\x03" + b"\xff" * 12 + b"a", r"declares 4,294,967,295 examples"),
        ("good", b"\0\0\x08\x01\0\0\0\x03abc", r"images holds 2 images and labels 3 labels"),
        ("labels", HEADER + b"ab", r"images and labels both hold the labels of the split train"),
        ("nan", HEADER + b"ab", r"images example 2 holds nan, which is not a finite number"),
        ("huge", HEADER + b"ab", r"images example 1 holds 1e\+300, which a 32-bit float cannot hold"),
    ],
)
def test_malformed_file_is_refused_with_its_position(
    refusal: Callable[..., str], idx: Callable[..., bytes], images: str, labels: bytes, expected: str
) -> None:
    files = {
        "good": idx(IMAGES),
        "labels": HEADER + b"ab",
        "nan": idx([[1, 2], [3, float("nan")]], "f4"),
        "huge": idx([[1e300, 1], [2, 2]], "f8"),
    }
    message = refusal({"images": files[images], "labels": labels}, format="idx")
    assert re.search(expected, message), message


def test_images_or_labels_alone_are_refused(refusal: Callable[..., str], idx: Callable[..., bytes]) -> None:
    assert "train-images has no matching file of labels" in refusal({"train-images": idx(IMAGES)})
    assert "labels has no matching file of images" in refusal({"labels": idx([1])})


def test_splits_of_different_shapes_are_refused(
    refusal: Callable[..., str], four: dict[str, bytes], idx: Callable[..., bytes]
) -> None:
    four["t10k-images-idx3-ubyte"] = idx(IMAGES[:1, :2])
    assert "of shape [1, 2, 4], where another split has uint8 of shape [1, 3, 4]" in refusal(four)


def test_too_many_examples_are_refused(refusal: Callable[..., str], four: dict[str, bytes]) -> None:
    assert "declares 2 examples; 1 are allowed" in refusal(four, DatasetLimits(max_examples=1))
    assert "has 3 examples; 2 are allowed" in refusal(four, DatasetLimits(max_examples=2))


def read(files: dict[str, bytes]) -> dict[str, list[Any]]:
    with TemporaryDirectory() as folder:
        upload = Upload(
            tuple(spool([content], Path(folder) / name, name=name, limit=10**6) for name, content in files.items())
        )
        parsed = parse(upload, DatasetOptions(format="idx"), DatasetLimits(max_unpacked_bytes=10**6), Path(folder))
        return {name: array.tolist() for name, array in parsed.splits["train"].items()}


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
    written = {
        "images": b"\0\0\x08\x03" + count + b"\0\0\0\x02\0\0\0\x02" + b"".join(map(bytes, images)),
        "labels": b"\0\0\x08\x01" + count + bytes(labels),
    }
    found = read(written)
    assert found["label"] == [[label] for label in labels]
    assert found["image"] == [[[image[:2], image[2:]]] for image in images]


@given(st.data())
def test_damaged_bytes_are_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(b"\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02abcdefgh")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] + data.draw(st.binary(max_size=8))
    with suppress(DatasetError):
        found = read({"images": bytes(content), "labels": b"\0\0\x08\x01\0\0\0\x02ab"})
        assert len(found["image"]) == 2
