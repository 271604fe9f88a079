"""Converts the number types of files to the three stored types, and finds numbers that are equal in float32."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.disk_arrays import Workspace, batches
from pippin.datasets.errors import FaultList, refuse

_INT32 = np.iinfo(np.int32)


def stored_dtype(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.dtype[Any]:
    """The stored type of a feature: float32 for floats, uint8 or int32 for integers.

    Several bytes per example are pixels and stay uint8. A single byte per example is a label and becomes int32.

    Raises:
        DatasetError: The type is not a plain number.
    """
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return np.dtype("<f4")
    if dtype == np.uint8 and np.prod(shape, dtype=np.float64) > 1:
        return np.dtype("u1")
    if dtype.kind in "biu":
        return np.dtype("<i4")
    raise refuse(f"the type {dtype} is not a plain number; use integers or floats of at most 64 bits")


def to_stored_dtype(
    array: NDArray[Any], workspace: Workspace, place: Callable[[int], str], faults: FaultList
) -> NDArray[Any]:
    """`array` [N, *shape] in its stored type, converted on disk where it has another type.

    Args:
        array: An array of a type that `stored_dtype` accepts.
        workspace: Creates the converted copy.
        place: Describes where example number i (from 0) is, for a message.
        faults: Receives one fault about the examples with a value that is not finite or does not fit: the first
            example, and the number of further examples.
    """
    dtype = stored_dtype(array.dtype, array.shape[1:])
    same = array.dtype == dtype and array.flags.c_contiguous
    converted = None if same else workspace.new_array(array.shape[1:], dtype)
    begin = count = 0
    first = ""
    for batch in batches(array):
        values = _converted(batch, dtype)
        mismatches = _mismatches(batch, values)
        if len(mismatches) and not count:
            first = f"{place(begin + int(mismatches[0]))} holds {_describe_misfit(batch[mismatches[0]], dtype)}"
        count += len(mismatches)
        begin += len(batch)
        if converted is not None:
            converted.append(values)
    if count:
        more = f"; {count - 1:,} more of the {len(array):,} examples hold such values" if count > 1 else ""
        faults.add(f"{first}{more}")
    return array if converted is None else converted.finish()


def _converted(batch: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        return batch.astype(dtype, copy=False)


def _mismatches(batch: NDArray[Any], values: NDArray[Any]) -> NDArray[np.int64]:
    """The examples of a batch with values that are not finite, or that the conversion changed."""
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values)
        if batch.dtype.itemsize > values.dtype.itemsize:
            lost = indices_of_collisions(batch.reshape(-1), values.reshape(-1), below=MAX_EXACT_DOUBLE)
            bad.reshape(-1)[lost] = True
    elif batch.dtype.kind in "iu" and batch.dtype.itemsize >= 4 and batch.dtype != values.dtype:
        bad = (batch > _INT32.max) | (batch < _INT32.min) if batch.dtype.kind == "i" else batch > _INT32.max
    else:
        return np.empty(0, np.int64)
    return np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))


def _describe_misfit(example: NDArray[Any], dtype: np.dtype[Any]) -> str:
    flat = example.reshape(-1)
    if dtype.kind != "f":
        return f"{flat[np.argmax(np.abs(flat.astype(np.float64)))]}, which a 32-bit integer cannot hold"
    finite = np.isfinite(flat)
    if lost := indices_of_collisions(flat.astype(np.float64), _converted(flat, dtype), below=MAX_EXACT_DOUBLE):
        return f"the whole number {flat[lost[0]]:.0f}, which would equal its neighbours as a 32-bit float"
    if finite.all():
        return f"{flat[np.argmax(np.abs(flat))]}, which a 32-bit float cannot hold"
    return f"{flat[~finite][0]}, which is not a finite number"


MAX_EXACT = 2**24
"""float32 holds every whole number up to this one."""
MAX_EXACT_DOUBLE = 2**53
"""float64 holds every whole number up to this one."""
_MAX_ID = 2**64  # larger whole numbers are quantities: ids have at most 64 bits
_DIGITS = 6  # numbers with up to this many decimal digits stay distinct in float32 (FLT_DIG of C)
_COARSE = 1e-3  # a step between neighbouring float32 values of more than this share of the column's spread is notable


def indices_of_collisions(
    values: NDArray[np.float64], stored: NDArray[np.float32], below: float = _MAX_ID
) -> list[int]:
    """The positions of whole numbers that would equal another whole number once stored as float32.

    Numbers of up to six significant digits, such as 1.5e11, are left out: two of them stay different as float32.

    Args:
        values: [n], as read.
        stored: [n], the same as float32.
        below: Numbers of at least this size are quantities; as float64 they are all whole.
    """
    size = np.abs(values)
    if not (size > MAX_EXACT).any():
        return []
    # From 2**53 on, the whole number in the text may differ from its float64.
    inexact = (stored != values) | (size >= MAX_EXACT_DOUBLE)
    suspects = np.flatnonzero((size > MAX_EXACT) & (size < below) & (values == np.floor(values)) & inexact)
    return [int(at) for at in suspects if float(f"{values[at]:.{_DIGITS}g}") != values[at]]


def shown(value: float) -> str:
    """A number as text for a message."""
    return f"{value:.0f}" if abs(value) < MAX_EXACT_DOUBLE and value.is_integer() else repr(float(value))


class Precision:
    """Determines whether the values of columns stay distinct in float32, batch by batch.

    Args:
        width: The number of columns.
    """

    def __init__(self, width: int) -> None:
        self._lowest = np.full(width, np.inf)
        self._highest = np.full(width, -np.inf)
        self._is_rounded = np.zeros(width, bool)
        self._has_quantities = np.zeros(width, bool)  # quantities so large that float32 lacks some whole numbers

    def add(self, values: NDArray[np.float64], stored: NDArray[np.float32]) -> None:
        """Add [n, width] values as read, and the same values as stored."""
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
        """The columns that were rounded noticeably, each with the step between neighbouring float32 values.

        Rounding is noticeable where the step exceeds a thousandth of the spread, for a fraction above 2**24, and for a
        number above 2**64.
        """
        spread = self._highest - self._lowest
        largest = np.maximum(np.abs(self._lowest), np.abs(self._highest))
        with np.errstate(invalid="ignore", over="ignore"):
            step = np.spacing(largest.astype(np.float32)).astype(np.float64)
            coarse = (self._is_rounded & (spread > 0) & (step > _COARSE * spread)) | self._has_quantities
        return [(int(at), float(step[at])) for at in np.flatnonzero(coarse)]
