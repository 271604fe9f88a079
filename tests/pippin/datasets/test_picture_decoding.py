"""Pictures as a viewer shows them: every orientation, every way to be transparent."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.datasets.picture_decoding import EIGHT_BIT_MODES, Upright, color_of, open_picture, upright
from tests.pippin.datasets.samples import ORIENTATION, encoded, picture, raw_png

PIXELS = np.array([[0, 60, 120], [180, 210, 240]], np.uint8)

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


def shown(data: bytes, mode: str = "L", background: str | None = None) -> Upright:
    with open_picture(data, ("PNG", "JPEG")) as image:
        assert image.mode in EIGHT_BIT_MODES
        return upright(image, data, mode, background)


def gray(data: bytes) -> list[list[int]]:
    rows: list[list[int]] = np.asarray(shown(data).image).tolist()
    return rows


def orientation(value: object) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


# Other values than 1 to 8 are invalid, and ignored.
@pytest.mark.parametrize("value", [*STORED, 0, 9, 65535])
def test_every_exif_orientation_gives_the_same_picture(value: int) -> None:
    decoded = shown(encoded(STORED.get(value, PIXELS), exif=orientation(value)))
    assert np.asarray(decoded.image).tolist() == PIXELS.tolist()
    assert decoded.is_turned == (2 <= value <= 8)


def test_jpeg_is_rotated_and_damaged_exif_is_ignored() -> None:
    data = picture((12, 8), "RGB", "JPEG", orientation=6)
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
    decoded = shown(encoded(black(mode)), target)
    pixels = np.asarray(decoded.image)
    assert (pixels if target == "L" else pixels[..., 2]).tolist() == ON_WHITE
    assert decoded.has_transparency
    assert not decoded.is_invisible


@pytest.mark.parametrize(
    ("background", "expected"), [(None, 255), ("white", 255), ("black", 0), ("808080", 128), ("0000ff", 29)]
)
def test_the_background_can_be_chosen(background: str | None, expected: int) -> None:
    decoded = shown(encoded(Image.new("RGBA", (2, 2), (9, 9, 9, 0))), "L", background)
    assert np.asarray(decoded.image).tolist() == [[expected] * 2] * 2
    assert decoded.is_invisible


def test_colours_are_red_green_blue() -> None:
    assert color_of("ff8000") == (255, 128, 0)
    assert color_of(None) == color_of("white") == (255, 255, 255)


@pytest.mark.parametrize("transparent", [0, bytes([0, 255, 128])])
def test_entries_of_a_palette_can_be_transparent(transparent: int | bytes) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "L").convert("P")
    image.putpalette([0, 0, 0, 10, 10, 10, 0, 0, 0])
    assert gray(encoded(image, transparency=transparent)) == [[255, 10, 0 if transparent == 0 else 127]]


@pytest.mark.parametrize(
    ("depth", "color", "row", "key", "expected"),
    [
        (1, 0, b"\x40", b"\0\1", [0, 255, 0]),
        (1, 0, b"\x40", b"\0\0", [255, 255, 255]),
        (2, 0, b"\x18", b"\0\1", [0, 255, 170]),
        (4, 0, b"\x01\x20", b"\0\2", [0, 17, 255]),
        (8, 0, b"\x00\x07\x09", b"\0\x07", [0, 255, 9]),
        (8, 2, b"\0\0\0\x07\x07\x07\x07\x07\x08", b"\0\x07\0\x07\0\x07", [0, 255, 7]),
        (16, 2, bytes(6) + b"\x07\x01" * 3 + b"\x09\0" * 3, b"\x07\x01" * 3, [0, 255, 9]),
    ],
)
def test_a_colour_key_is_transparent_at_every_depth(
    depth: int, color: int, row: bytes, key: bytes, expected: list[int]
) -> None:
    assert gray(raw_png((3, 1), [row], depth, color, key)) == [expected]


def test_picture_of_16_bits_with_alpha_is_composited_on_white() -> None:
    rgba = b"\0" * 6 + b"\0\0" + b"\0" * 6 + b"\xff\xff" + b"\xff" * 6 + b"\xff\xff"
    assert gray(raw_png((3, 1), [rgba], depth=16, color=6)) == [[255, 0, 255]]


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    decoded = shown(encoded(PIXELS, mode="RGBA"))
    assert np.asarray(decoded.image).tolist() == PIXELS.tolist()
    assert not decoded.has_transparency


def test_transparent_picture_is_rotated() -> None:
    assert gray(encoded(black("RGBA"), exif=orientation(6))) == np.rot90(np.array(ON_WHITE), -1).tolist()
