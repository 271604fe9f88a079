"""Stands for PyObjC's Quartz: the making of a CVPixelBuffer from bytes, and the constants that it takes."""

from apple_standin.names import declared
from apple_standin.pixel_buffers import CVPixelBufferCreateWithBytes

assert CVPixelBufferCreateWithBytes.__name__ in declared()["Quartz"]["functions"]
globals().update(declared()["Quartz"]["enums"])

__all__ = ["CVPixelBufferCreateWithBytes"]
