"""Weights in the file: `WeightParams`."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel.errors import ModelFileError
from pippin.models.mlmodel.proto import Message
from pippin.models.mlmodel.quantization import Channels, dequantized
from pippin.models.mlmodel.rules import WEIGHTS_PAYLOAD
from pippin.models.spec import Shape

_PAYLOADS = ("floatValue", "float16Value", "rawValue", "int8RawValue")


def payloads(message: Message) -> list[str]:
    """The fields of a `WeightParams` that hold numbers."""
    return [field for field in _PAYLOADS if getattr(message, field)]


def write_array(array: NDArray[np.float32], message: Message) -> None:
    """Write `array`, in its own order, as 32-bit floats; whatever the message held before is gone, its flag stays."""
    for field in (*_PAYLOADS, "quantization"):
        message.ClearField(field)
    message.floatValue.extend(np.asarray(array, dtype=np.float32).ravel().tolist())


def read_array(message: Message, shape: Shape, where: str, channels: Channels | None = None) -> NDArray[np.float32]:
    """The array of `shape` that is in the message, as 32-bit floats: half precision widened, quantised worked out.

    Args:
        message: A `WeightParams`.
        shape: The array's.
        where: What an error calls it.
        channels: Which numbers share a scale if it is quantised; left out, those of the first axis.

    Raises:
        ModelFileError: It has another number of numbers, is kept in two ways, is quantised in a way that makes no
            sense, or is not finite.
    """
    if len(kept := payloads(message)) > 1:
        raise ModelFileError(f"{where} are kept as {' and '.join(kept)}; needs one of them", rule=WEIGHTS_PAYLOAD)
    count = prod(shape)
    full = message.floatValue or message.float16Value
    # What coremltools dequantises keeps an empty `quantization` beside its full numbers.
    if message.rawValue or message.int8RawValue or (message.HasField("quantization") and not full):
        found = dequantized(message, channels or Channels.first(shape), where)
    elif message.float16Value:
        if len(message.float16Value) % 2:
            raise ModelFileError(f"{where} are {len(message.float16Value)} bytes of half floats; needs two bytes each")
        found = np.frombuffer(message.float16Value, dtype="<f2").astype(np.float32)
    else:
        found = np.fromiter(message.floatValue, dtype=np.float32, count=len(message.floatValue))
    if found.size != count:
        raise ModelFileError(f"{where} are {found.size} numbers; shape {list(shape)} needs {count}")
    if not np.isfinite(found).all():
        raise ModelFileError(f"{where} hold a number that is not finite; needs finite numbers")
    return found.reshape(shape)
