"""Arrays as JSON writes them: lists in lists."""

from collections.abc import Iterator

from pippin.errors import Fault, pointer
from pippin.models.spec.values import Shape

_LARGEST_FLOAT32 = 3.4028234663852886e38


def misfits(given: object, shape: Shape) -> Iterator[Fault]:
    """Where `given` is not a nested list of finite float32 numbers of `shape`: the first place only.

    One mistake in how an array was written is wrong in thousands of places; the first says it.
    """
    fault = _first_misfit(given, shape, ())
    if fault is not None:
        yield fault


def _first_misfit(given: object, shape: Shape, path: tuple[int, ...]) -> Fault | None:
    if not shape:
        if isinstance(given, int | float) and not isinstance(given, bool) and abs(given) <= _LARGEST_FLOAT32:
            return None
        return Fault(pointer(*path), f"found {given!r:.60}; needs a finite number that a float32 can hold")
    if not isinstance(given, list | tuple):
        return Fault(pointer(*path), f"found {given!r:.60}; needs a list of {shape[0]} (shape {list(shape)} from here)")
    if len(given) != shape[0]:
        return Fault(
            pointer(*path), f"found a list of {len(given)}; needs one of {shape[0]} (shape {list(shape)} from here)"
        )
    faults = (_first_misfit(entry, shape[1:], (*path, index)) for index, entry in enumerate(given))
    return next((fault for fault in faults if fault is not None), None)
