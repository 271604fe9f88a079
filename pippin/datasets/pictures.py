"""One PNG or JPEG as an array, and what all pictures of a dataset must have in common."""

from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pippin.datasets.errors import DatasetError, refuse, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.sources import Source

Color = Literal["gray", "rgb"]

_GRAY = frozenset({"1", "L", "LA"})
_COLORED = frozenset({"P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
_MODES = {"gray": "L", "rgb": "RGB"}
_LARGEST_FILE = 64 * 2**20


class Decoder:
    """Decodes pictures that are all like the first one: of its size, and gray or coloured as it is.

    Args:
        color: Converts all to this, whatever they are.
    """

    def __init__(self, color: Color | None, limits: DatasetLimits) -> None:
        self._forced = color
        self._color = color
        self._limits = limits
        self._size: tuple[int, int] | None = None
        self._first = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """[1, H, W] or [3, H, W] of every picture, once the first is decoded."""
        width, height = self._size or (0, 0)
        return (1 if self._color == "gray" else 3, height, width)

    def decode(self, source: Source) -> NDArray[np.uint8]:
        """The picture as an array of `shape`; transparency is dropped.

        Raises:
            DatasetError: It is no PNG or JPEG, is damaged, or unlike the first.
            DatasetTooLargeError: It has too many pixels or bytes.
        """
        with source.open() as file:
            data = file.read(_LARGEST_FILE + 1)
        if len(data) > _LARGEST_FILE:
            raise too_large(f"{source.name} has more than {_LARGEST_FILE:,} bytes")
        try:
            with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
                self._check(image, source.name)
                pixels = np.asarray(image.convert(_MODES[self._color or "rgb"]))
        except DatasetError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise too_large(f"{source.name}: {error}") from None
        except Exception as error:  # noqa: BLE001  # Pillow documents no end of what a damaged file may raise
            raise refuse(f"{source.name} is not a PNG or JPEG that can be read: {error}") from None
        # Pillow has H, W or H, W, C; Core ML wants channels first.
        return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def _check(self, image: Image.Image, name: str) -> None:
        """Judges a picture by its header, before its pixels take memory."""
        width, height = image.size
        if width * height > self._limits.max_pixels:
            raise too_large(f"{name} has {width} by {height} pixels; {self._limits.max_pixels:,} are allowed")
        if image.mode not in _GRAY | _COLORED:
            raise refuse(f"{name} has more than 8 bits a channel ({image.mode}); save it with 8")
        color: Color = "gray" if image.mode in _GRAY else "rgb"
        if self._size is None:
            self._size, self._color, self._first = image.size, self._forced or color, name
        if image.size != self._size:
            raise refuse(
                f"{name} has {width} by {height} pixels, where {self._first} has {self._size[0]} by {self._size[1]}; "
                "make them all one size"
            )
        if self._forced is None and color != self._color:
            raise refuse(f"{name} is {color}, where {self._first} is {self._color}; add color=gray or color=rgb")
