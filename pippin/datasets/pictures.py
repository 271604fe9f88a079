"""Decodes the PNG and JPEG files of a dataset into arrays of one size and one colour mode."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pippin.datasets.errors import DatasetTooLargeError, quoted, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.picture_decoding import EIGHT_BIT_MODES, Upright, open_picture, upright
from pippin.datasets.sources import Source
from pippin.documents.file_kinds import EMPTY, JPEG, PNG, SAMPLE_BYTES, kind_of

Color = Literal["gray", "rgb"]

_GRAY = frozenset({"1", "L", "LA"})
_MODES = {"gray": "L", "rgb": "RGB"}
_MAX_FILE_BYTES = 64 * 2**20


class PictureError(Exception):
    """A picture that cannot be used.

    Attributes:
        what: The rest of a sentence that begins with the name of the picture.
        kind: The same without details of this picture, to group similar faults; "" where `what` has no such details.
    """

    def __init__(self, what: str, kind: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.kind = kind


class Decoder:
    """Decodes pictures, all of which must have the size and colour mode of the first one.

    Args:
        color: The colour mode of the results; None requires the mode of the first picture.
        background: The colour behind transparent pixels, as `pippin.datasets.picture_decoding.color_of` reads it.
        limits: The limits, of which the number of pixels applies here.
    """

    def __init__(self, color: Color | None, background: str | None, limits: DatasetLimits) -> None:
        self._forced = color
        self._color = color
        self._background = background
        self._limits = limits
        self._size: tuple[int, int] | None = None
        self._first = ""
        self._turned = _Count()
        self._transparent = _Count()
        self._invisible = _Count()

    @property
    def shape(self) -> tuple[int, int, int]:
        """[1, H, W] or [3, H, W] of every picture, once the first is decoded."""
        width, height = self._size or (0, 0)
        return (1 if self._color == "gray" else 3, height, width)

    def decode(self, source: Source) -> NDArray[np.uint8]:
        """The picture as an array of `shape`: upright, and opaque.

        Raises:
            PictureError: The file is not a PNG or JPEG, is damaged, or differs from the first.
            DatasetError: The archive that holds it is damaged.
            DatasetTooLargeError: The picture has too many pixels or bytes.
        """
        with source.open() as file:
            data = file.read(_MAX_FILE_BYTES + 1)
        if len(data) > _MAX_FILE_BYTES:
            raise too_large(f"{source.name} has more than {_MAX_FILE_BYTES:,} bytes")
        color, picture = self._open(data, source.name)
        if self._size is None:
            self._size, self._color, self._first = picture.image.size, color, source.name
        self._check_size(picture.image)
        for count, applies in (
            (self._turned, picture.is_turned),
            (self._transparent, picture.has_transparency),
            (self._invisible, picture.is_invisible),
        ):
            if applies:
                count.add(source.name)
        pixels = np.asarray(picture.image)
        # Pillow gives [H, W] or [H, W, C]; Core ML has channels first.
        return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def notices(self) -> Iterator[str]:
        """Notices about conversions of the pictures decoded so far."""
        if self._turned.count:
            yield f"{self._turned} rotated upright by the orientation in EXIF"
        if self._transparent.count:
            background = self._background or "white"
            advice = f"; predict with background={background} too" if self._background else ""
            yield f"{self._transparent} put on a background of {background}, since parts are transparent{advice}"
        if self._invisible.count:
            yield f"{self._invisible} entirely transparent: only the background is left"

    def _open(self, data: bytes, name: str) -> tuple[Color, Upright]:
        if not data:
            raise PictureError(EMPTY.as_data())
        try:
            with open_picture(data, ("PNG", "JPEG")) as image:
                color = self._check(image, name)
                return color, upright(image, data, _MODES[color], self._background)
        except (PictureError, DatasetTooLargeError, MemoryError):
            raise
        except Image.DecompressionBombError:
            raise too_large(f"{name} has too many pixels; {self._limits.max_pixels:,} are allowed") from None
        except UnidentifiedImageError:
            raise PictureError(_describe_unidentified(data[:SAMPLE_BYTES], name)) from None
        except Exception:  # noqa: BLE001 - Pillow documents no list of the errors that a damaged file may raise
            raise PictureError("is damaged or cut short; save it again as PNG or JPEG") from None

    def _check(self, image: Image.Image, name: str) -> Color:
        """The colour mode to convert a picture to. Checks the header before the pixels take memory."""
        width, height = image.size
        if width * height > self._limits.max_pixels:
            raise too_large(f"{name} has {width} by {height} pixels; {self._limits.max_pixels:,} are allowed")
        if image.mode not in EIGHT_BIT_MODES:
            raise PictureError("has more than 8 bits a channel; save it with 8")
        color: Color = "gray" if image.mode in _GRAY else "rgb"
        if self._forced is None and self._color is not None and color != self._color:
            raise PictureError(f"is {color}, but {self._first} is {self._color}; set color=gray or color=rgb")
        return self._forced or color

    def _check_size(self, image: Image.Image) -> None:
        assert self._size is not None
        if image.size != self._size:
            first = f"{self._size[0]} by {self._size[1]}"
            raise PictureError(
                f"has {image.width} by {image.height} pixels, but {self._first} has {first}; make all pictures the "
                "same size",
                f"has a different size than the {first} pixels of {self._first}; make all pictures the same size",
            )


class _Count:
    """Counts pictures. Its text is the beginning of a passive sentence: `2 pictures, first 'a.png', were`."""

    def __init__(self) -> None:
        self.count = 0
        self._first = ""

    def add(self, name: str) -> None:
        self._first = self._first or name
        self.count += 1

    def __str__(self) -> str:
        if self.count == 1:
            return f"1 picture ({quoted(self._first)}) was"
        return f"{self.count:,} pictures, first {quoted(self._first)}, were"


def _describe_unidentified(begin: bytes, name: str) -> str:
    """The rest of a sentence about a file that Pillow does not recognise as a picture."""
    kind = kind_of(begin, name)
    if kind is None or kind in {PNG, JPEG}:
        return "is not a PNG or JPEG that can be read; save it again as one of them"
    return kind.as_data()
