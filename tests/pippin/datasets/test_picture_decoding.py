"""Pictures as a viewer shows them: every orientation, every way to be transparent."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.datasets.picture_decoding import EIGHT_BIT_MODES, Upright, color_of, open_picture, upright

PIXELS = np.array([[0, 60, 120], [180, 210, 240]], np.uint8)
ORIENTATION = 0x0112

# How the stored pixels follow from those that a viewer shows: EXIF 2.32, 4.6.5.1, says where row and column 0 are.
STORED: dict[int, NDArray[np.uint8]] = {
    1: PIXELS,
    2: PIXELS[:, ::-1],
    3: PIXELS[::-1, ::-1],
    4: PIXELS[::-1],
    5: PIXELS.T,
    6: PIXELS.T[::-1],
    7: PIXELS.T[::-1, ::-1],
    8: PIXELS.T[:, ::-1],
}


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:  # noqa: ANN401 (Pillow's own)
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def shown(data: bytes, mode: str = "L", background: str | None = None) -> Upright:
    with open_picture(data, ("PNG", "JPEG")) as image:
        assert image.mode in EIGHT_BIT_MODES
        return upright(image, data, mode, background)


def oriented(value: object, pixels: NDArray[np.uint8] = PIXELS) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return encoded(Image.fromarray(np.ascontiguousarray(pixels)), exif=exif)


@pytest.mark.parametrize("value", STORED)
def test_every_exif_orientation_gives_the_same_picture(value: int) -> None:
    found = shown(oriented(value, STORED[value]))
    assert np.asarray(found.image).tolist() == PIXELS.tolist()
    assert found.is_turned == (value != 1)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_invalid_orientation_is_ignored(value: int) -> None:
    found = shown(oriented(value))
    assert np.asarray(found.image).tolist() == PIXELS.tolist()
    assert not found.is_turned


def test_jpeg_is_rotated_and_damaged_exif_is_ignored() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    data = encoded(Image.new("RGB", (12, 8)), "JPEG", exif=exif)
    assert shown(data).image.size == (8, 12)
    damaged = data.replace(b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff")
    assert damaged != data
    assert shown(damaged).image.size == (12, 8)


INK = np.array([[0, 255, 0], [255, 0, 128]], np.uint8)
"""Opacity of a drawing in black."""
ON_WHITE = [[255, 0, 255], [0, 255, 127]]


def black(mode: str) -> Image.Image:
    layer = Image.new("L" if mode == "LA" else "RGB", (3, 2))
    layer.putalpha(Image.fromarray(INK))
    assert layer.mode == mode
    return layer


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("target", ["L", "RGB"])
def test_ink_in_the_alpha_channel_is_composited_on_white(mode: str, target: str) -> None:
    found = shown(encoded(black(mode)), target)
    pixels = np.asarray(found.image)
    assert (pixels if target == "L" else pixels[..., 2]).tolist() == ON_WHITE
    assert found.has_transparency
    assert not found.is_invisible


@pytest.mark.parametrize(
    ("background", "expected"), [(None, 255), ("white", 255), ("black", 0), ("808080", 128), ("0000ff", 29)]
)
def test_the_background_can_be_chosen(background: str | None, expected: int) -> None:
    found = shown(encoded(Image.new("RGBA", (2, 2), (9, 9, 9, 0))), "L", background)
    assert set(np.asarray(found.image).ravel().tolist()) == {expected}
    assert found.is_invisible


def test_colours_are_red_green_blue() -> None:
    assert color_of("ff8000") == (255, 128, 0)
    assert color_of(None) == color_of("white") == (255, 255, 255)


@pytest.mark.parametrize("transparent", [0, bytes([0, 255, 128])])
def test_entries_of_a_palette_can_be_transparent(transparent: int | bytes) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "L").convert("P")
    image.putpalette([0, 0, 0, 10, 10, 10, 0, 0, 0])
    found = shown(encoded(image, transparency=transparent))
    last = 0 if transparent == 0 else 127
    assert np.asarray(found.image).tolist() == [[255, 10, last]]


def png_of(depth: int, color: int, rows: list[bytes], key: bytes) -> bytes:
    """A PNG of any depth, three pixels wide, with a colour key (PNG 3rd edition, 11.3.1.1)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 3, len(rows), depth, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = chunk(b"IHDR", header) + chunk(b"tRNS", key) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png_of(1, 0, [b"\x40"], b"\0\1"), [0, 255, 0]),
        (png_of(1, 0, [b"\x40"], b"\0\0"), [255, 255, 255]),
        (png_of(2, 0, [b"\x18"], b"\0\1"), [0, 255, 170]),
        (png_of(4, 0, [b"\x01\x20"], b"\0\2"), [0, 17, 255]),
        (png_of(8, 0, [b"\x00\x07\x09"], b"\0\x07"), [0, 255, 9]),
        (png_of(8, 2, [b"\0\0\0\x07\x07\x07\x07\x07\x08"], b"\0\x07\0\x07\0\x07"), [0, 255, 7]),
        (png_of(16, 2, [bytes(6) + b"\x07\x01" * 3 + b"\x09\0" * 3], b"\x07\x01" * 3), [0, 255, 9]),
    ],
)
def test_a_colour_key_is_transparent_at_every_depth(data: bytes, expected: list[int]) -> None:
    assert np.asarray(shown(data).image).tolist() == [expected]


def test_picture_of_16_bits_with_alpha_is_composited_on_white() -> None:
    rgba = b"\0" * 6 + b"\0\0" + b"\0" * 6 + b"\xff\xff" + b"\xff" * 6 + b"\xff\xff"
    data = png_of(16, 6, [rgba], b"").replace(b"\0\0\0\0tRNS", b"\0\0\0\0teST")
    data = data.replace(zlib.crc32(b"tRNS").to_bytes(4), zlib.crc32(b"teST").to_bytes(4))
    assert np.asarray(shown(data).image).tolist() == [[255, 0, 255]]


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    found = shown(encoded(Image.fromarray(PIXELS).convert("RGBA")))
    assert np.asarray(found.image).tolist() == PIXELS.tolist()
    assert not found.has_transparency


def test_transparent_picture_is_rotated() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    found = shown(encoded(black("RGBA"), exif=exif))
    assert np.asarray(found.image).tolist() == np.rot90(np.array(ON_WHITE), -1).tolist()
