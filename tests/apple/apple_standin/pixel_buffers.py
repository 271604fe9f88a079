"""CVPixelBuffer, made from bytes, with the names that Quartz (Core Video) gives to it."""

from typing import Any

from apple_standin.memory import Borrowed
from apple_standin.names import declared
from apple_standin.objects import is_int

_ENUMS: dict[str, int] = declared()["Quartz"]["enums"]

FORMATS = {
    _ENUMS["kCVPixelFormatType_OneComponent8"]: 1,
    _ENUMS["kCVPixelFormatType_32BGRA"]: 4,
    _ENUMS["kCVPixelFormatType_32ARGB"]: 4,
}
"""Bytes a pixel."""


class PixelBuffer:
    """A CVPixelBufferRef. It reads the memory it was made from, and does not keep it."""

    def __init__(self, width: int, height: int, pixel_format: int, memory: Borrowed, row_bytes: int) -> None:
        self._width, self._height, self._format = width, height, pixel_format
        self._memory, self._row_bytes = memory, row_bytes


def CVPixelBufferCreateWithBytes(  # noqa: PLR0917  # Core Video's own arguments
    allocator: None,
    width: int,
    height: int,
    pixel_format: int,
    data: Any,
    row_bytes: int,
    release: None,
    release_info: None,
    attributes: None,
    out: None,
) -> tuple[int, PixelBuffer | None]:
    """Core Video's function: returns (status, buffer); the memory stays the caller's."""
    if not (allocator is release is release_info is attributes is out is None):
        raise TypeError("CVPixelBufferCreateWithBytes: pass None for all but the sizes, the format and the data")
    for value in (width, height, pixel_format, row_bytes):
        if not is_int(value):
            raise TypeError(f"CVPixelBufferCreateWithBytes takes ints, not {type(value).__name__}")
    memory = Borrowed(data)
    if pixel_format not in FORMATS or row_bytes < width * FORMATS[pixel_format] or memory.size < row_bytes * height:
        return _ENUMS["kCVReturnInvalidArgument"], None
    return _ENUMS["kCVReturnSuccess"], PixelBuffer(width, height, pixel_format, memory, row_bytes)
