"""From the number types that files have to the three that are stored."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.arrays import parts
from pippin.datasets.errors import FaultList, refuse
from pippin.datasets.growing import Workspace
from pippin.datasets.precision import MAX_EXACT_DOUBLE, collapsing

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
    converted = None if same else workspace.growing(array.shape[1:], dtype)
    begin = count = 0
    first = ""
    for part in parts(array):
        values = _converted(part, dtype)
        misfits = _misfits(part, values)
        if len(misfits) and not count:
            first = f"{place(begin + int(misfits[0]))} holds {_worst(part[misfits[0]], dtype)}"
        count += len(misfits)
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
