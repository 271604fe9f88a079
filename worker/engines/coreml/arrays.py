"""Converts NumPy arrays to Core ML's `MLMultiArray` and back, and images to Core Video's pixel buffers."""

from typing import Any

import CoreML
import numpy as np
import Quartz
from numpy.typing import NDArray

from pippin.api.states import Reason
from worker.engines.coreml.errors import checked
from worker.engines.engine import EngineError

_DTYPES: dict[int, np.dtype[Any]] = {
    CoreML.MLMultiArrayDataTypeFloat16: np.dtype(np.float16),
    CoreML.MLMultiArrayDataTypeFloat32: np.dtype(np.float32),
    CoreML.MLMultiArrayDataTypeDouble: np.dtype(np.float64),
    CoreML.MLMultiArrayDataTypeInt32: np.dtype(np.int32),
}
_TYPES = {dtype: number for number, dtype in _DTYPES.items()}


def to_multi_array(array: NDArray[Any]) -> Any:  # noqa: ANN401 - an MLMultiArray
    """An `MLMultiArray` with the shape, the data type and the values of `array`.

    The values are copied into the `MLMultiArray`'s own memory. Over the memory of `array` the `MLMultiArray` would hold
    a pointer that PyObjC does not keep valid, and Core ML may keep the pointer for any time.

    Raises:
        EngineError: Core ML fails to create the array.
    """
    result = CoreML.MLMultiArray.alloc().initWithShape_dataType_error_(list(array.shape), _TYPES[array.dtype], None)
    multi_array = checked(result, "make an array")
    _view(multi_array)[...] = array
    return multi_array


def from_multi_array(multi_array: Any) -> NDArray[Any]:  # noqa: ANN401 - an MLMultiArray
    """A C-contiguous copy of an `MLMultiArray`, in the same data type; any strides are accepted.

    Raises:
        EngineError: The data type is not supported.
    """
    return np.array(_view(multi_array), order="C")


def _view(multi_array: Any) -> NDArray[Any]:  # noqa: ANN401 - an MLMultiArray
    """A view of the `MLMultiArray`'s memory, valid during its lifetime; `getMutableBytesWithHandler_` passes a copy."""
    number = int(multi_array.dataType())
    dtype = _DTYPES.get(number)
    if dtype is None:
        raise EngineError(
            Reason.ENGINE_ERROR, f"Core ML gave an array of the data type {number}; Pippin reads {sorted(_DTYPES)}"
        )
    shape = tuple(int(length) for length in multi_array.shape())
    strides = tuple(int(stride) for stride in multi_array.strides())
    elements = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    memory = np.frombuffer(multi_array.dataPointer().as_buffer(elements * dtype.itemsize), dtype, elements)
    return np.lib.stride_tricks.as_strided(memory, shape, [stride * dtype.itemsize for stride in strides])


def to_pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """The pixels of an image [1 or 3, H, W] of values from 0 to 255: gray [H, W], or BGRA [H, W, 4] of RGB.

    Core ML takes colours as BGRA, in whatever order the network reads the channels.
    """
    channels, height, width = image.shape
    if channels == 1:
        return np.array(image[0], np.uint8, order="C")
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = np.moveaxis(image, 0, -1)[..., ::-1]
    return pixels


def to_pixel_buffer(pixels: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - a CVPixelBuffer
    """A pixel buffer over the memory of `pixels`; the caller keeps `pixels` alive while the buffer is used.

    Raises:
        EngineError: Core Video fails to create the buffer.
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
