import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.datasets.limits import DatasetLimits

GRAY = np.arange(6, dtype=np.uint8).reshape(2, 3)
COLORED = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


def picture(values: NDArray[Any], form: str = "PNG", mode: str | None = None) -> bytes:
    data = io.BytesIO()
    image = Image.fromarray(values)
    (image if mode is None else image.convert(mode)).save(data, form)
    return data.getvalue()


def test_folders_are_classes(store: Callable[..., Any], zipped: Callable[..., bytes]) -> None:
    files = {"cat/1.png": picture(GRAY), "ape/x.PNG": picture(GRAY + 1), "cat/2.png": picture(GRAY + 2)}
    dataset = store({"pets.zip": zipped(files)})
    assert dataset.manifest.format == "images"
    assert dataset.manifest.labels == ["ape", "cat"]
    assert dataset.feature("image") == ((1, 2, 3), "uint8", 1 / 255)
    assert dataset.feature("label") == ((1,), "int32", 1.0)
    assert dataset.arrays["train/image"].tolist() == [[(GRAY + more).tolist()] for more in (0, 1, 2)]
    assert dataset.arrays["train/label"].tolist() == [[1], [0], [1]]


def test_colour_pictures_are_stored_channels_first(store: Callable[..., Any], zipped: Callable[..., bytes]) -> None:
    dataset = store({"": zipped({"a/1.png": picture(COLORED)})})
    assert dataset.feature("image")[0] == (3, 2, 3)
    assert dataset.arrays["train/image"][0].tolist() == COLORED.transpose(2, 0, 1).tolist()


def test_jpeg_is_read_like_png(store: Callable[..., Any], zipped: Callable[..., bytes]) -> None:
    flat = np.full((8, 8, 3), 200, np.uint8)
    dataset = store({"": zipped({"a/1.jpg": picture(flat, "JPEG"), "b/2.jpeg": picture(flat, "JPEG")})})
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
def test_parent_folders_are_splits(
    store: Callable[..., Any], zipped: Callable[..., bytes], paths: list[str], splits: dict[str, int]
) -> None:
    dataset = store({"": zipped(dict.fromkeys(paths, picture(GRAY)))})
    assert {split.name: split.examples for split in dataset.manifest.splits} == splits


def test_classes_that_are_numbers_are_ordered_by_value(store: Callable[..., Any], zipped: Callable[..., bytes]) -> None:
    dataset = store({"": zipped({f"{digit}/1.png": picture(GRAY) for digit in (10, 9, 1)})})
    assert dataset.manifest.labels == ["1", "9", "10"]


@pytest.mark.parametrize(("color", "channels"), [("gray", 1), ("rgb", 3)])
def test_color_option_unifies_mixed_pictures(
    store: Callable[..., Any], zipped: Callable[..., bytes], color: str, channels: int
) -> None:
    files = {"a/1.png": picture(GRAY), "a/2.png": picture(COLORED), "a/3.png": picture(COLORED, mode="RGBA")}
    assert store({"": zipped(files)}, color=color).arrays["train/image"].shape == (3, channels, 2, 3)


def png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"a/1.png": picture(GRAY), "a/2.png": picture(GRAY.T.copy())},
            r"a/2\.png has 2 by 3 pixels, but a/1\.png has 3 by 2",
        ),
        (
            {"a/1.png": picture(GRAY), "a/2.png": picture(COLORED)},
            r"a/2\.png is rgb, but a/1\.png is gray; set color=gray or color=rgb",
        ),
        ({"a/1.png": picture(GRAY)[:45]}, r"a/1\.png is damaged or cut short; save it again"),
        ({"a/1.png": b"not a picture"}, r"a/1\.png is not a PNG or JPEG that can be read"),
        ({"a/1.png": picture(COLORED, "GIF")}, r"a/1\.png is a GIF; save it as PNG or JPEG"),
        ({"a/1.png": b""}, r"a/1\.png is empty \(0 bytes\)"),
        ({"a/1.png": picture(GRAY.astype(np.uint16))}, r"a/1\.png has more than 8 bits a channel"),
        ({"a/1.png": png_of(20_000, 20_000)}, r"a/1\.png has too many pixels; 67,108,864 are allowed"),
        ({"a/1.png": png_of(9_000, 9_000)}, r"a/1\.png has 9000 by 9000 pixels; 67,108,864 are allowed"),
        ({"1.png": picture(GRAY)}, r"1\.png is in the wrong folder; move it to class/file\.png"),
        ({"train/b/c/d/1.png": picture(GRAY), "a/1.png": picture(GRAY)}, r"train/b/c/d/1\.png is in the wrong folder"),
        ({"a/1.png": picture(GRAY), "a/notes.bin": b"?"}, r"a/notes\.bin is not a picture by its name"),
    ],
)
def test_invalid_picture_is_refused_by_name(
    refusal: Callable[..., str], zipped: Callable[..., bytes], files: dict[str, bytes], expected: str
) -> None:
    message = refusal({"": zipped(files)})
    assert re.search(expected, message), message


def test_every_invalid_picture_is_named(refusal: Callable[..., str], zipped: Callable[..., bytes]) -> None:
    message = refusal({"": zipped({"a/1.png": b"x", "a/2.png": picture(GRAY), "b/3.png": b"y"})})
    assert "a/1.png" in message
    assert "b/3.png" in message


def test_limits_on_classes_and_pictures(refusal: Callable[..., str], zipped: Callable[..., bytes]) -> None:
    two = {"": zipped({"a/1.png": picture(GRAY), "b/1.png": picture(GRAY)})}
    assert "more than 1 different class labels" in refusal(two, DatasetLimits(max_classes=1))
    long = {"": zipped({f"{'9' * 300}/1.png": picture(GRAY)})}
    assert "has 300 characters; 200 are allowed" in refusal(long, DatasetLimits())
    assert "2 pictures; 1 are allowed" in refusal(two, DatasetLimits(max_examples=1))
    assert "3 by 2 pixels; 5 are allowed" in refusal(two, DatasetLimits(max_pixels=5))


def test_pictures_must_come_in_a_zip(refusal: Callable[..., str]) -> None:
    assert "send one ZIP whose folders are the classes" in refusal({"1.png": picture(GRAY)}, format="images")
    assert "1.png is a PNG picture; send pictures in one ZIP" in refusal({"1.png": picture(GRAY)})
