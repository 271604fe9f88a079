"""Weights of a few bits each: `QuantizationParams`. They are read, for layers that are not trained, and never written."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.proto import Message

_MOST_BITS: Final = 8


def dequantized(message: Message, count: int, channels: int, where: str) -> NDArray[np.float32]:
    """The `count` numbers of a quantised `WeightParams` (version 3).

    linear: w = q * scale + bias, where both are one number, or one for each of the `channels` that come first in the
    shape. lookup table: w = table[q]. Each q has `numberOfBits` bits, packed from each byte's highest bit down; a
    message of `int8RawValue` has signed bytes instead.

    Raises:
        ModelFileError: Bits, sizes or tables do not fit together; the text says which.
    """
    how = message.quantization
    bits = how.numberOfBits
    if not 1 <= bits <= _MOST_BITS:
        raise ModelFileError(f"{where} are quantised to {bits} bits; needs 1 to {_MOST_BITS}")
    raw = message.int8RawValue or message.rawValue
    needed = -(-count * bits // 8)
    if len(raw) != needed:
        raise ModelFileError(f"{where} are {len(raw)} bytes; {count} numbers of {bits} bits need {needed}")
    numbers = _signed(raw, bits, where) if message.int8RawValue else _unpacked(raw, bits, count)
    match how.WhichOneof("QuantizationType"):
        case "linearQuantization":
            return _linear(numbers, how.linearQuantization, channels, where)
        case "lookupTableQuantization":
            table = np.array(how.lookupTableQuantization.floatValue, dtype=np.float32)
            if message.int8RawValue or len(table) != 2**bits:
                raise ModelFileError(f"{where} have a table of {len(table)} numbers; {bits} bits need {2**bits}")
            return table[numbers]
    raise ModelFileError(f"{where} do not say how they are quantised; needs linear or lookup table")


def _unpacked(raw: bytes, bits: int, count: int) -> NDArray[np.uint8]:
    if bits == 8:
        return np.frombuffer(raw, dtype=np.uint8)
    ones: NDArray[np.uint8] = np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=count * bits).reshape(count, bits)
    # Shifted left by what is missing, so that each number is one byte whose lowest bits are its own.
    found: NDArray[np.uint8] = np.packbits(ones, axis=1)[:, 0] >> np.uint8(8 - bits)
    return found


def _signed(raw: bytes, bits: int, where: str) -> NDArray[np.int8]:
    if bits != 8:
        raise ModelFileError(f"{where} are signed numbers of {bits} bits; needs 8")
    return np.frombuffer(raw, dtype=np.int8)


def _linear(
    numbers: NDArray[np.uint8] | NDArray[np.int8], how: Message, channels: int, where: str
) -> NDArray[np.float32]:
    scale, bias = np.array(how.scale, dtype=np.float32), np.array(how.bias, dtype=np.float32)
    for what, found in (("scale", scale), ("bias", bias)):
        if len(found) not in ((1, channels) if what == "scale" else (0, 1, channels)):
            raise ModelFileError(f"{where} have a {what} of {len(found)} numbers; needs 1, or {channels}")
    rows = numbers.astype(np.float32).reshape(channels, -1) if channels else numbers.astype(np.float32).reshape(1, -1)
    return (rows * scale.reshape(-1, 1) + (bias.reshape(-1, 1) if len(bias) else np.float32(0))).ravel()
