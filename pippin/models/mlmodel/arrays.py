"""Weights in the file: `WeightParams`, including quantised weights (`QuantizationParams`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel.errors import WEIGHTS_PAYLOAD, ModelFileError
from pippin.models.mlmodel.proto import Message
from pippin.models.spec import Shape

_PAYLOADS = ("floatValue", "float16Value", "rawValue", "int8RawValue")

_MAX_BITS: Final = 8


@dataclass(frozen=True)
class Channels:
    """The position of the output channels in an array; each channel may have its own scale and bias.

    Attributes:
        view: The array's shape with axes split and merged so that the channels have separate axes.
        spread: By the allowed number of scales: the shape that broadcasts these scales to `view`.
    """

    view: Shape
    spread: Mapping[int, Shape]

    @classmethod
    def first(cls, shape: Shape) -> Self:
        """Channels on the first axis, as in all arrays except a deconvolution's weights."""
        count = shape[0] if shape else 1
        return cls(view=(count, prod(shape[1:])), spread={1: (1, 1), count: (count, 1)})

    @classmethod
    def of_a_deconvolution(cls, shape: Shape, groups: int) -> Self:
        """Channels of deconvolution weights, [C, output_channels / groups, kH, kW].

        The proto defines one scale per output channel; coremltools writes one scale per entry of the second axis. The
        two differ only with several groups, which share the scales that coremltools writes.
        """
        inputs, outputs = shape[:2]
        return cls(
            view=(groups, inputs // groups, outputs, prod(shape[2:])),
            spread={
                1: (1, 1, 1, 1),
                outputs: (1, 1, outputs, 1),
                groups * outputs: (groups, 1, outputs, 1),
            },
        )


def payloads(message: Message) -> list[str]:
    """The fields of a `WeightParams` that hold numbers."""
    return [field for field in _PAYLOADS if getattr(message, field)]


def write_array(array: NDArray[np.float32], message: Message) -> None:
    """Write `array` in its own order as 32-bit floats. Replaces the message's values and keeps its updatable flag."""
    for field in (*_PAYLOADS, "quantization"):
        message.ClearField(field)
    message.floatValue.extend(np.asarray(array, dtype=np.float32).ravel().tolist())


def read_array(message: Message, shape: Shape, where: str, channels: Channels | None = None) -> NDArray[np.float32]:
    """The array of `shape` in the message, as 32-bit floats: half floats are widened, quantised values dequantised.

    Args:
        message: A `WeightParams`.
        shape: The shape of the array.
        where: The array's name in error messages.
        channels: Which numbers of a quantised array share a scale; by default those of one index of the first axis.

    Raises:
        ModelFileError: The number of values does not match `shape`, the array is stored in two fields, its
            quantisation is invalid, or a value is not finite.
    """
    if len(filled := payloads(message)) > 1:
        raise ModelFileError(f"{where} are stored as {' and '.join(filled)}; needs one of them", rule=WEIGHTS_PAYLOAD)
    count = prod(shape)
    full = message.floatValue or message.float16Value
    # coremltools leaves an empty `quantization` beside the full-precision values of an array that it has dequantised.
    if message.rawValue or message.int8RawValue or (message.HasField("quantization") and not full):
        values = dequantized(message, channels or Channels.first(shape), where)
    elif message.float16Value:
        if len(message.float16Value) % 2:
            raise ModelFileError(f"{where} are {len(message.float16Value)} bytes of half floats; needs two bytes each")
        values = np.frombuffer(message.float16Value, dtype="<f2").astype(np.float32)
    else:
        values = np.fromiter(message.floatValue, dtype=np.float32, count=len(message.floatValue))
    if values.size != count:
        raise ModelFileError(f"{where} are {values.size} numbers; shape {list(shape)} needs {count}")
    if not np.isfinite(values).all():
        raise ModelFileError(f"{where} hold a number that is not finite; needs finite numbers")
    return values.reshape(shape)


def dequantized(message: Message, channels: Channels, where: str) -> NDArray[np.float32]:
    """The dequantised numbers of a `WeightParams` (version 3), in the order of the file.

    linear: w = q * scale + bias; scale and bias are each one number, or one number per channel of `channels`.
    lookup table: w = table[q]. Each q has `numberOfBits` bits, packed from each byte's highest bit down;
    `int8RawValue` holds signed bytes instead.

    Raises:
        ModelFileError: Bits, sizes or tables are inconsistent; the message says which.
    """
    quantization, count = message.quantization, prod(channels.view)
    bits = quantization.numberOfBits
    if not 1 <= bits <= _MAX_BITS:
        raise ModelFileError(f"{where} are quantised to {bits} bits; needs 1 to {_MAX_BITS}")
    raw = message.int8RawValue or message.rawValue
    needed = -(-count * bits // 8)
    if len(raw) != needed:
        raise ModelFileError(f"{where} are {len(raw)} bytes; {count} numbers of {bits} bits need {needed}")
    numbers = _signed(raw, bits, where) if message.int8RawValue else _unpacked(raw, bits, count)
    match quantization.WhichOneof("QuantizationType"):
        case "linearQuantization":
            return _linear(numbers, quantization.linearQuantization, channels, where)
        case "lookupTableQuantization":
            table = np.array(quantization.lookupTableQuantization.floatValue, dtype=np.float32)
            if message.int8RawValue:
                raise ModelFileError(f"{where} are signed numbers; those of a lookup table must not be")
            if len(table) != 2**bits:
                raise ModelFileError(f"{where} have a table of {len(table)} numbers; {bits} bits need {2**bits}")
            return table[numbers]
    raise ModelFileError(f"{where} have no quantisation parameters; needs linear or lookup table")


def _unpacked(raw: bytes, bits: int, count: int) -> NDArray[np.uint8]:
    if bits == 8:
        return np.frombuffer(raw, dtype=np.uint8)
    bit_rows: NDArray[np.uint8] = np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=count * bits).reshape(
        count, bits
    )
    # packbits fills each row to 8 bits on the right; the shift moves the number's bits to the low end of its byte.
    values: NDArray[np.uint8] = np.packbits(bit_rows, axis=1)[:, 0] >> np.uint8(8 - bits)
    return values


def _signed(raw: bytes, bits: int, where: str) -> NDArray[np.int8]:
    if bits != 8:
        raise ModelFileError(f"{where} are signed numbers of {bits} bits; needs 8")
    return np.frombuffer(raw, dtype=np.int8)


def _linear(
    numbers: NDArray[np.uint8] | NDArray[np.int8], quantization: Message, channels: Channels, where: str
) -> NDArray[np.float32]:
    quantized = numbers.astype(np.float32).reshape(channels.view)
    scale = _spread("scale", quantization.scale, channels, where)
    bias = _spread("bias", quantization.bias, channels, where) if len(quantization.bias) else np.float32(0)
    # `read_array` refuses an overflow like every other value that is not finite.
    with np.errstate(over="ignore", invalid="ignore"):
        return (quantized * scale + bias).ravel()


def _spread(what: str, values: Message, channels: Channels, where: str) -> NDArray[np.float32]:
    shape = channels.spread.get(len(values))
    if shape is None:
        needed = " or ".join(str(count) for count in channels.spread)
        raise ModelFileError(f"{where} have a {what} of {len(values)} numbers; needs {needed}")
    return np.array(values, dtype=np.float32).reshape(shape)
