import re

import numpy as np
import pytest

from pippin.datasets.limits import DatasetLimits
from tests.pippin.datasets.samples import Refusal, Store, encoded, pictures, raw_png, zipped

GRAY = np.arange(6, dtype=np.uint8).reshape(2, 3)
COLORED = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


def test_folders_are_classes(store: Store) -> None:
    files = {"cat/1.png": encoded(GRAY), "ape/x.PNG": encoded(GRAY + 1), "cat/2.png": encoded(GRAY + 2)}
    dataset = store({"pets.zip": zipped(files)})
    assert dataset.manifest.format == "images"
    assert dataset.labels == ["ape", "cat"]
    assert dataset.feature("image") == ((1, 2, 3), "uint8", 1 / 255)
    assert dataset.feature("label") == ((1,), "int32", 1.0)
    assert dataset.values("train/image") == [[(GRAY + more).tolist()] for more in (0, 1, 2)]
    assert dataset.values("train/label") == [[1], [0], [1]]


def test_colour_pictures_are_stored_channels_first(store: Store) -> None:
    dataset = store({"": zipped({"a/1.png": encoded(COLORED)})})
    assert dataset.shapes["image"] == (3, 2, 3)
    assert dataset.arrays["train/image"][0].tolist() == COLORED.transpose(2, 0, 1).tolist()


def test_jpeg_is_read_like_png(store: Store) -> None:
    flat = np.full((8, 8, 3), 200, np.uint8)
    dataset = store({"": zipped({"a/1.jpg": encoded(flat, "JPEG"), "b/2.jpeg": encoded(flat, "JPEG")})})
    assert dataset.arrays["train/image"].shape == (2, 3, 8, 8)
    assert abs(dataset.arrays["train/image"].astype(int) - 200).max() <= 2


@pytest.mark.parametrize(
    ("paths", "splits"),
    [
        (["train/a/1.png", "test/a/1.png"], {"train": 1, "test": 1}),
        (["train/a/1.png", "val/a/1.png"], {"train": 1, "validation": 1}),
        (["data/train/a/1.png", "data/test/a/1.png"], {"train": 1, "test": 1}),
        (["data/a/1.png", "data/b/1.png"], {"train": 2}),
        (["test/a/1.png", "test/b/1.png"], {"test": 2}),
        ([r"train\a\1.png", r"test\a\1.png"], {"train": 1, "test": 1}),
        (["./a/1.png"], {"train": 1}),
    ],
)
def test_parent_folders_are_splits(store: Store, paths: list[str], splits: dict[str, int]) -> None:
    assert store(pictures(*paths)).splits == splits


def test_classes_that_are_numbers_are_ordered_by_value(store: Store) -> None:
    assert store(pictures("10/1.png", "9/1.png", "1/1.png")).labels == ["1", "9", "10"]


@pytest.mark.parametrize(("color", "channels"), [("gray", 1), ("rgb", 3)])
def test_color_option_unifies_mixed_pictures(store: Store, color: str, channels: int) -> None:
    files = {"a/1.png": encoded(GRAY), "a/2.png": encoded(COLORED), "a/3.png": encoded(COLORED, mode="RGBA")}
    assert store({"": zipped(files)}, color=color).arrays["train/image"].shape == (3, channels, 2, 3)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"a/1.png": encoded(GRAY), "a/2.png": encoded(GRAY.T)},
            r"a/2\.png has 2 by 3 pixels, but a/1\.png has 3 by 2",
        ),
        (
            {"a/1.png": encoded(GRAY), "a/2.png": encoded(COLORED)},
            r"a/2\.png is rgb, but a/1\.png is gray; set color=gray or color=rgb",
        ),
        ({"a/1.png": encoded(GRAY.astype(np.uint16))}, r"a/1\.png has more than 8 bits a channel"),
        ({"a/1.png": raw_png((20_000, 20_000), [b""])}, r"a/1\.png has too many pixels; 67,108,864 are allowed"),
        ({"a/1.png": raw_png((9_000, 9_000), [b""])}, r"a/1\.png has 9000 by 9000 pixels; 67,108,864 are allowed"),
        ({"1.png": encoded(GRAY)}, r"1\.png is in the wrong folder; move it to class/file\.png"),
        ({"train/b/c/d/1.png": encoded(GRAY), "a/1.png": encoded(GRAY)}, r"train/b/c/d/1\.png is in the wrong folder"),
        ({"a/1.png": encoded(GRAY), "a/notes.bin": b"?"}, r"a/notes\.bin is not a picture by its name"),
    ],
)
def test_invalid_picture_is_refused_by_name(refusal: Refusal, files: dict[str, bytes], expected: str) -> None:
    assert re.search(expected, refusal({"": zipped(files)}))


def test_every_invalid_picture_is_named(refusal: Refusal) -> None:
    message = refusal({"": zipped({"a/1.png": b"x", "a/2.png": encoded(GRAY), "b/3.png": b"y"})})
    assert "a/1.png" in message
    assert "b/3.png" in message


def test_limits_on_classes_and_pictures(refusal: Refusal) -> None:
    two = pictures("a/1.png", "b/1.png", content=encoded(GRAY))
    assert "more than 1 different class labels" in refusal(two, DatasetLimits(max_classes=1))
    assert "has 300 characters; 200 are allowed" in refusal(pictures(f"{'9' * 300}/1.png"))
    assert "2 pictures; 1 are allowed" in refusal(two, DatasetLimits(max_examples=1))
    assert "3 by 2 pixels; 5 are allowed" in refusal(two, DatasetLimits(max_pixels=5))


def test_pictures_must_come_in_a_zip(refusal: Refusal) -> None:
    assert "send one ZIP whose folders are the classes" in refusal({"1.png": encoded(GRAY)}, format="images")
    assert "1.png is a PNG picture; send pictures in one ZIP" in refusal({"1.png": encoded(GRAY)})
