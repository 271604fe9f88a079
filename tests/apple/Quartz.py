"""Stands for PyObjC's Quartz: the making of a CVPixelBuffer from bytes, and the constants that it takes."""

from apple_standin.pixel_buffers import CVPixelBufferCreateWithBytes

kCVReturnSuccess = 0  # noqa: N816
kCVPixelFormatType_OneComponent8 = 0x4C303038  # noqa: N816
kCVPixelFormatType_32BGRA = 0x42475241  # noqa: N816
kCVPixelFormatType_32ARGB = 0x20  # noqa: N816

__all__ = [
    "CVPixelBufferCreateWithBytes",
    "kCVPixelFormatType_32ARGB",
    "kCVPixelFormatType_32BGRA",
    "kCVPixelFormatType_OneComponent8",
    "kCVReturnSuccess",
]
