"""How many values a document may hold: what checks them holds up every other thread for microseconds a value."""

from collections.abc import Iterator

from pippin.errors import Fault, pointer
from pippin.models.spec.table import LAYERS

MOST_VALUES = 50_000
"""Values of a document, arrays of weights left out.

Pydantic makes an error of each value that is wrong, 7 µs a value without letting other threads run: a list of two
million numbers in place of layers, a body of 4 MB, stopped the service for 14 s.
"""

# Whose lists pydantic takes as they are. The last two are those of SwiftCoreMLTools.
_ARRAYS = frozenset(name for layer in LAYERS.values() for name in layer.array_fields) | {"weight", "bias"}

_Path = tuple["_Path", int | str] | None


def too_many_values(document: object) -> Fault | None:
    """The fault of a document with more than `MOST_VALUES` values, at the list or object where they pass that number.

    Takes milliseconds, however large the document is.
    """
    left = MOST_VALUES
    open_values: list[tuple[object, _Path]] = [(document, None)]
    while open_values:
        value, path = open_values.pop()
        if not isinstance(value, list | dict):
            continue
        left -= len(value)
        if left < 0:
            kind = "object" if isinstance(value, dict) else "list"
            detail = (
                f"with this {kind} of {len(value):,} the document has more than {MOST_VALUES:,} values, arrays of "
                "weights left out; needs fewer"
            )
            return Fault(pointer(*reversed(list(_parts(path)))), detail)
        if isinstance(value, list):
            open_values += [(entry, (path, at)) for at, entry in enumerate(value)]
        else:
            open_values += [
                (entry, (path, name))
                for name, entry in value.items()
                if not (name in _ARRAYS and isinstance(entry, list))
            ]
    return None


def _parts(path: _Path) -> Iterator[int | str]:
    while path is not None:
        path, part = path
        yield part
