"""MLMultiArray: an array of numbers with strides, over its own memory or over borrowed memory."""

import weakref
from math import prod
from typing import Any

import numpy as np

from apple_standin.bridge import method
from apple_standin.errors import CoreMLError, reporting_errors
from apple_standin.faults import Fault
from apple_standin.memory import Borrowed
from apple_standin.names import declared
from apple_standin.objects import NSArray, NSObject, is_int, number

DTYPES = {
    declared()["enums"][f"MLMultiArrayDataType{name}"]: np.dtype(dtype)
    for name, dtype in {"Float32": "f4", "Double": "f8", "Float16": "f2", "Int32": "i4", "Int8": "i1"}.items()
}
"""NumPy's types by Core ML's numbers."""

CODES = {dtype: code for code, dtype in DTYPES.items()}


def _ints(value: object) -> bool:
    return isinstance(value, (list, tuple, NSArray)) and all(is_int(item) for item in value)


def _block(value: object) -> bool:
    return callable(value)


class VarList:
    """`objc.varlist`: memory of unknown length, valid for as long as its MLMultiArray lives."""

    def __init__(self, memory: bytearray) -> None:
        self._memory = memory

    def as_buffer(self, length: int) -> memoryview:
        """So many elements, here bytes, for reading and writing."""
        if type(length) is not int:
            raise TypeError(f"as_buffer takes an int, not {type(length).__name__}")
        if not 0 <= length <= len(self._memory):
            raise Fault(f"as_buffer({length}) of memory that has {len(self._memory)} bytes")
        return memoryview(self._memory)[:length]

    def __getitem__(self, index: int) -> bytes:
        return bytes(self._memory[index : index + 1])


def _freed(memory: bytearray) -> None:
    """What a view that outlived its MLMultiArray sees from then on."""
    memory[:] = b"\xff" * len(memory)


class MLMultiArray(NSObject):
    __slots__ = ("_borrowed", "_dtype", "_memory", "_shape", "_strides")
    _borrowed: Borrowed | None

    @method(_ints, is_int)
    @reporting_errors()
    def initWithShape_dataType_error_(self, shape: Any, data_type: int) -> Any:
        dtype, shape = _checked(shape, data_type)
        self._fill(shape, contiguous(shape), dtype, bytearray(prod(shape) * dtype.itemsize))
        return self

    @method(lambda _buffer: True, _ints, is_int, _ints, lambda value: value is None or callable(value))
    @reporting_errors()
    def initWithDataPointer_shape_dataType_strides_deallocator_error_(
        self, pointer: Any, shape: Any, data_type: int, strides: Any, deallocator: Any
    ) -> Any:
        if deallocator is not None:
            raise Fault("a deallocator written in Python is called on any thread, perhaps after the interpreter's end")
        dtype, shape = _checked(shape, data_type)
        borrowed = Borrowed(pointer)
        if len(strides) != len(shape):
            raise CoreMLError("Generic", f"{len(strides)} strides for {len(shape)} dimensions")
        reach = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
        if min(strides) < 1 or reach * dtype.itemsize > borrowed.size:
            raise Fault(
                f"shape {shape} and strides {tuple(strides)} reach beyond the {borrowed.size} bytes of the buffer"
            )
        self._fill(shape, tuple(strides), dtype, bytearray())
        self._borrowed = borrowed
        return self

    def _fill(self, shape: Any, strides: Any, dtype: Any, memory: bytearray) -> None:
        self._shape, self._strides, self._dtype = tuple(shape), tuple(strides), dtype
        self._memory, self._borrowed, self._initialised = memory, None, True
        weakref.finalize(self, _freed, memory)

    def _bytes(self) -> bytes:
        return bytes(self._memory) if self._borrowed is None else self._borrowed.read()

    def _values(self) -> Any:
        """A copy of the values, in their order, as NumPy has them."""
        memory = self._bytes()
        flat = np.frombuffer(memory, dtype=self._dtype, count=len(memory) // self._dtype.itemsize)
        strides = [stride * self._dtype.itemsize for stride in self._strides]
        return np.lib.stride_tricks.as_strided(flat, self._shape, strides).copy()

    @method()
    def shape(self) -> Any:
        return NSArray._made(items=tuple(map(number, self._shape)))

    @method()
    def strides(self) -> Any:
        return NSArray._made(items=tuple(map(number, self._strides)))

    @method()
    def dataType(self) -> int:
        return int(CODES[self._dtype])

    @method()
    def count(self) -> int:
        return int(prod(self._shape))

    @method(is_int)
    def objectAtIndexedSubscript_(self, index: int) -> Any:
        return number(self._values().reshape(-1)[index].item())

    @method(_ints)
    def objectForKeyedSubscript_(self, key: Any) -> Any:
        return number(self._values()[tuple(key)].item())

    @method()
    def dataPointer(self) -> VarList:
        return VarList(self._memory if self._borrowed is None else bytearray(self._borrowed.read()))

    @method(_block)
    def getMutableBytesWithHandler_(self, handler: Any) -> None:
        memory = self._bytes()
        handler(bytearray(memory), len(memory), self.strides())


def contiguous(shape: Any) -> tuple[int, ...]:
    """The strides, in elements, of an array without gaps."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _checked(shape: Any, data_type: int) -> tuple[Any, tuple[int, ...]]:
    if data_type not in DTYPES:
        raise CoreMLError("Generic", f"{data_type} is no MLMultiArrayDataType")
    if len(shape) == 0 or min(shape) < 1:
        raise CoreMLError("Generic", f"an MLMultiArray cannot have the shape {list(shape)}")
    return DTYPES[data_type], tuple(int(length) for length in shape)


def made_from(values: Any, dtype: str, gap: int = 0) -> Any:
    """An array of Core ML's own making: with `gap`, each row is followed by so many unused elements."""
    values = np.asarray(values, dtype=dtype)
    row = values.shape[-1] + gap
    padded = np.full((*values.shape[:-1], row), np.nan if values.dtype.kind == "f" else -1, dtype=dtype)
    padded[..., : values.shape[-1]] = values
    made = MLMultiArray.alloc()
    made._fill(values.shape, contiguous(padded.shape), values.dtype, bytearray(padded.tobytes()))
    return made
