"""Decodes pictures as viewers show them: upright, and opaque on a background.

Cameras store the pixels in the order of the sensor, and the rotation in the EXIF tag Orientation (Exif 2.32, 0x0112).
PencilKit, `canvas` and drawing programs store black ink in the alpha channel. Without the tag, pictures would lie on
their side; without the alpha channel, they would be black.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import reduce
from io import BytesIO

from PIL import Image, ImageChops
from PIL.ExifTags import Base

BACKGROUND_PATTERN = "^(white|black|[0-9A-Fa-f]{6})$"
"""A background: `white`, `black`, or red, green and blue as six hexadecimal digits."""

EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
"""Pillow's modes with at most 8 bits a channel, which can be converted without clipping values."""

# Value of the tag -> the operation that turns the stored picture upright. 1 is upright; other values are undefined.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_NAMED = {"white": "ffffff", "black": "000000"}
_PNG_DEPTH_AT = 24


@dataclass(frozen=True)
class Upright:
    """A decoded picture.

    Attributes:
        image: The picture, upright, of mode L or RGB.
        is_turned: Whether the stored picture was not upright.
        has_transparency: Whether some pixels were transparent and got the background.
        is_invisible: Whether all pixels were entirely transparent.
    """

    image: Image.Image
    is_turned: bool
    has_transparency: bool
    is_invisible: bool


def color_of(background: str | None) -> tuple[int, int, int]:
    """Red, green and blue of a background that fits `BACKGROUND_PATTERN`; white for None."""
    digits = _NAMED.get(background or "white", background or "")
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


@contextmanager
def open_picture(data: bytes, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """Open the picture in `data`, reading only its header.

    Args:
        data: The whole file.
        formats: Pillow's names of the accepted formats.

    Raises:
        Exception: Any error of Pillow, for a file that is damaged or of another format.
    """
    # Pillow warns about damaged metadata, which is ignored, and about large sizes, which the caller checks.
    with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(data), formats=formats) as image:
        yield image


def upright(image: Image.Image, data: bytes, mode: str, background: str | None) -> Upright:
    """Decode an open picture, make it opaque and turn it upright.

    At most two copies with 4 bytes per pixel exist at a time: `image` is closed after its conversion.

    Args:
        image: A picture with one of the modes `EIGHT_BIT_MODES`.
        data: The content of its file.
        mode: The mode of the result, `L` or `RGB`.
        background: The colour behind transparent pixels.

    Raises:
        Exception: Any error of Pillow, for a damaged file.
    """
    image.load()
    turn = _UPRIGHT.get(_orientation(image))
    opacity = (255, 255)
    if "A" in image.getbands() or "transparency" in image.info:
        layer = _with_alpha(image, data)
        image.close()
        opacity = _extrema(layer)
        flat = Image.new("RGB", layer.size, color_of(background))
        flat.paste(layer, mask=layer)
        layer.close()
        converted = flat if mode == "RGB" else flat.convert(mode)
    else:
        converted = image.convert(mode)
        image.close()
    turned = converted if turn is None else converted.transpose(turn)
    return Upright(turned, turn is not None, opacity[0] < 255, opacity[1] == 0)


def _orientation(image: Image.Image) -> int:
    """The value of the tag; 1 where it is missing or unreadable, as in viewers."""
    # For a damaged TIFF structure, Pillow's parser raises errors of many types.
    with suppress(Exception):
        value = image.getexif().get(Base.Orientation, 1)
        if isinstance(value, int):
            return value
    return 1


def _extrema(layer: Image.Image) -> tuple[int, int]:
    lowest, highest = layer.getextrema()[3]  # type: ignore[misc]  # a pair for each band of RGBA
    return int(lowest), int(highest)


def _with_alpha(image: Image.Image, data: bytes) -> Image.Image:
    """The picture as RGBA."""
    key = image.info.get("transparency")
    if key is None or image.mode not in {"1", "L", "RGB"}:
        # Pillow itself handles palettes with transparent entries and pictures with an alpha channel.
        return image.convert("RGBA")
    # The colour key of a PNG has the depth of the file, and Pillow's pixels have 8 bits (PNG 3rd edition, 11.3.1.1).
    # Pillow 13 compares the two unconverted, so that no pixel of a picture with 2, 4 or 16 bits matches.
    depth = data[_PNG_DEPTH_AT]
    keys = [key] if isinstance(key, int) else key
    keys = [value >> 8 if depth == 16 else value * 255 // ((1 << depth) - 1) for value in keys]
    bands = (image.convert("L") if image.mode == "1" else image).split()
    # A pixel is opaque where it differs from the key in any band.
    differs = (
        band.point([0 if level == value else 255 for level in range(256)])
        for band, value in zip(bands, keys, strict=True)
    )
    return Image.merge("RGBA", (*(bands if len(bands) == 3 else bands * 3), reduce(ImageChops.lighter, differs)))
