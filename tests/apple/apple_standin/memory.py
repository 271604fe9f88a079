"""Memory of another owner: seen without being kept alive, as a pointer in C is."""

import ctypes
import weakref
from typing import Any

import numpy as np

from apple_standin.faults import Fault


def _owner(buffer: Any) -> Any:
    """The object whose end frees the memory: not a view of it."""
    while True:
        if isinstance(buffer, memoryview):
            buffer = buffer.obj
        elif isinstance(buffer, np.ndarray) and buffer.base is not None:
            below = buffer.base.obj if isinstance(buffer.base, memoryview) else buffer.base
            if isinstance(below, bytes):
                return buffer
            buffer = below
        else:
            return buffer


class Borrowed:
    """A pointer to a Python buffer. It does not hold the buffer: reading after its end is a fault."""

    def __init__(self, buffer: Any) -> None:
        try:
            view = np.frombuffer(buffer, dtype=np.uint8)
        except ValueError as refused:
            raise ValueError(f"the data must be a C-contiguous buffer: {refused}") from None
        except TypeError as refused:
            raise TypeError(f"the data must be a buffer, not {type(buffer).__name__}: {refused}") from None
        self._address, self.size = view.__array_interface__["data"][0], view.size
        del view
        try:
            self._alive = weakref.ref(_owner(buffer))
        except TypeError:
            raise Fault(f"the end of a {type(buffer).__name__} cannot be watched: pass a NumPy array") from None

    def read(self) -> bytes:
        """A copy of the bytes.

        Raises:
            Fault: Their owner is gone.
        """
        if self._alive() is None:
            raise Fault("the buffer behind an MLMultiArray was freed: Core ML would read whatever lies there now")
        return ctypes.string_at(self._address, self.size)
