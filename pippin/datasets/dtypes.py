"""From the number types that files have to the three that are stored."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.disk_arrays import Workspace, batches
from pippin.datasets.errors import FaultList, refuse

_INT32 = np.iinfo(np.int32)


def stored_dtype(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.dtype[Any]:
    """The stored type of a feature: float32 for every float; for integers uint8 or int32.

    Bytes are kept as they are where an example has several, since they are pixels then; a single one is a label.

    Raises:
        DatasetError: The type holds no numbers.
    """
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return np.dtype("<f4")
    if dtype == np.uint8 and np.prod(shape, dtype=np.float64) > 1:
        return np.dtype("u1")
    if dtype.kind in "biu":
        return np.dtype("<i4")
    raise refuse(f"the type {dtype} is not a plain number; use integers or floats of at most 64 bits")


def conform(array: NDArray[Any], workspace: Workspace, place: Callable[[int], str], faults: FaultList) -> NDArray[Any]:
    """`array` [N, *shape] as its stored type, converted on disk where it has another.

    Args:
        array: Of any type that `stored_dtype` accepts.
        workspace: Where a converted copy is made.
        place: Says, for a person, where example number i (from 0) stands.
        faults: Takes one fault about the examples with a value that is not finite or does not fit: the first, and how
            many more there are.
    """
    dtype = stored_dtype(array.dtype, array.shape[1:])
    same = array.dtype == dtype and array.flags.c_contiguous
    converted = None if same else workspace.new_array(array.shape[1:], dtype)
    begin = count = 0
    first = ""
    for part in batches(array):
        values = _converted(part, dtype)
        array_faults = _misfits(part, values)
        if len(array_faults) and not count:
            first = f"{place(begin + int(array_faults[0]))} holds {_worst(part[array_faults[0]], dtype)}"
        count += len(array_faults)
        begin += len(part)
        if converted is not None:
            converted.append(values)
    if count:
        more = f"; {count - 1:,} more of the {len(array):,} examples hold such values" if count > 1 else ""
        faults.add(f"{first}{more}")
    return array if converted is None else converted.finish()


def _converted(part: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        return part.astype(dtype, copy=False)


def _misfits(part: NDArray[Any], values: NDArray[Any]) -> NDArray[np.int64]:
    """The examples of a part that were not finite, or were no more the same once converted."""
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values)
        if part.dtype.itemsize > values.dtype.itemsize:
            lost = collapsing(part.reshape(-1), values.reshape(-1), below=MAX_EXACT_DOUBLE)
            bad.reshape(-1)[lost] = True
    elif part.dtype.kind in "iu" and part.dtype.itemsize >= 4 and part.dtype != values.dtype:
        bad = (part > _INT32.max) | (part < _INT32.min) if part.dtype.kind == "i" else part > _INT32.max
    else:
        return np.empty(0, np.int64)
    return np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))


def _worst(example: NDArray[Any], dtype: np.dtype[Any]) -> str:
    flat = example.reshape(-1)
    if dtype.kind != "f":
        return f"{flat[np.argmax(np.abs(flat.astype(np.float64)))]}, which a 32-bit integer cannot hold"
    finite = np.isfinite(flat)
    if lost := collapsing(flat.astype(np.float64), _converted(flat, dtype), below=MAX_EXACT_DOUBLE):
        return f"the whole number {flat[lost[0]]:.0f}, which would equal its neighbours as a 32-bit float"
    if finite.all():
        return f"{flat[np.argmax(np.abs(flat))]}, which a 32-bit float cannot hold"
    return f"{flat[~finite][0]}, which is not a finite number"


MAX_EXACT = 2**24
"""Up to this float32 holds every whole number."""
MAX_EXACT_DOUBLE = 2**53
"""Up to this float64 holds every whole number."""
_MAX_ID = 2**64  # whole numbers from here on are quantities: ids have at most 64 bits
_DIGITS = 6  # decimal digits that float32 always keeps apart (FLT_DIG of C)
_COARSE = 1e-3  # of the spread of a column: the step between neighbouring float32 values from which a notice is due


def collapsing(values: NDArray[np.float64], stored: NDArray[np.float32], below: float = _MAX_ID) -> list[int]:
    """Which values are whole numbers that another whole number would equal once stored as float32.

    Numbers of up to six significant digits, such as 1.5e11, never do: two of them stay different as float32.

    Args:
        values: [n], as read.
        stored: [n], the same as float32.
        below: Numbers of this size and more are quantities, all of which are whole as float64.
    """
    size = np.abs(values)
    if not (size > MAX_EXACT).any():
        return []
    # From 2**53 on, the text may have held another whole number than was read.
    inexact = (stored != values) | (size >= MAX_EXACT_DOUBLE)
    suspects = np.flatnonzero((size > MAX_EXACT) & (size < below) & (values == np.floor(values)) & inexact)
    return [int(at) for at in suspects if float(f"{values[at]:.{_DIGITS}g}") != values[at]]


def shown(value: float) -> str:
    """A number that was read, for a person."""
    return f"{value:.0f}" if abs(value) < MAX_EXACT_DOUBLE and value.is_integer() else repr(float(value))


class Precision:
    """Whether float32 keeps the values of columns apart, gathered part by part.

    Args:
        width: How many columns there are.
    """

    def __init__(self, width: int) -> None:
        self._lowest = np.full(width, np.inf)
        self._highest = np.full(width, -np.inf)
        self._is_rounded = np.zeros(width, bool)
        self._has_quantities = np.zeros(width, bool)  # where float32 does not even hold every whole number

    def add(self, values: NDArray[np.float64], stored: NDArray[np.float32]) -> None:
        """Takes [n, width] values as read and as stored."""
        if len(values):
            np.minimum(self._lowest, values.min(axis=0), out=self._lowest)
            np.maximum(self._highest, values.max(axis=0), out=self._highest)
            rounded = values != stored
            self._is_rounded |= rounded.any(axis=0)
            if max(self._highest.max(), -self._lowest.min()) > MAX_EXACT:
                size = np.abs(values)
                quantities = rounded & (size > MAX_EXACT) & (values != np.floor(values)) | (size >= _MAX_ID)
                self._has_quantities |= quantities.any(axis=0)

    def coarse(self) -> list[tuple[int, float]]:
        """Columns that were rounded noticeably, each with the step between neighbouring float32 values.

        That is, by more than a thousandth of their spread, or with a fraction above 2**24, or above 2**64.
        """
        spread = self._highest - self._lowest
        largest = np.maximum(np.abs(self._lowest), np.abs(self._highest))
        with np.errstate(invalid="ignore", over="ignore"):
            step = np.spacing(largest.astype(np.float32)).astype(np.float64)
            coarse = (self._is_rounded & (spread > 0) & (step > _COARSE * spread)) | self._has_quantities
        return [(int(at), float(step[at])) for at in np.flatnonzero(coarse)]
