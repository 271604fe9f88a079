"""Images as Core ML takes them: pixel buffers of Core Video."""

from typing import Any

import numpy as np
import Quartz
from numpy.typing import NDArray

from pippin.api.states import Reason
from worker.engines.engine import EngineError


def to_pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """The pixels of an image [1 or 3, H, W] of values from 0 to 255: gray [H, W], or BGRA [H, W, 4] of RGB.

    Core ML wants colours as BGRA, whatever order the network reads them in.
    """
    channels, height, width = image.shape
    if channels == 1:
        return np.array(image[0], np.uint8, order="C")
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = np.moveaxis(image, 0, -1)[..., ::-1]
    return pixels


def to_pixel_buffer(pixels: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - a CVPixelBuffer
    """A pixel buffer over the memory of `pixels`, which the caller keeps for as long as it is used.

    Raises:
        EngineError: Core Video does not make it.
    """
    height, width = pixels.shape[:2]
    kind = Quartz.kCVPixelFormatType_OneComponent8 if pixels.ndim == 2 else Quartz.kCVPixelFormatType_32BGRA
    status, buffer = Quartz.CVPixelBufferCreateWithBytes(
        None, width, height, kind, pixels, pixels.strides[0], None, None, None, None
    )
    if status != Quartz.kCVReturnSuccess:
        raise EngineError(
            Reason.ENGINE_ERROR, f"Core Video could not make a pixel buffer of {width}x{height} (CVReturn {status})"
        )
    return buffer
