"""The target of a CSV: class names, class numbers or quantities, as determined from all cells."""

from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.csv.cells import SEVERAL, UNDERSCORES, Kind, number, number_form
from pippin.datasets.disk_arrays import DiskArray, Workspace, batches
from pippin.datasets.dtypes import Precision, indices_of_collisions
from pippin.datasets.errors import quoted
from pippin.datasets.limits import DatasetLimits, Labels
from pippin.datasets.names import nfc

_INT32 = np.iinfo(np.int32)
_SHOWN_CLASSES = 10


class Report(Protocol):
    """Adds a fault of the target in a row."""

    def __call__(self, row: int, /, *, kind: Kind, value: str) -> None:
        """Add a fault of a kind, with the content of the cell."""


class Target:
    """Collects a single target column over all files, in order.

    All cells must be numbers, or all cells text: a mixture is usually an error, and would make a regression a
    classification with a class for each number.

    Attributes:
        precision: Whether quantities stay distinct in float32. Set by `finish`.
    """

    def __init__(self, limits: DatasetLimits, workspace: Workspace) -> None:
        self._labels = Labels(limits, "set target= if another column is the target")
        self._workspace = workspace
        self._codes: dict[str, int] = {}
        self._places: dict[str, str] = {}
        self._is_text: bool | None = None
        self._is_integer = True
        self._pending = array("d")
        self._splits: dict[str, DiskArray] = {}
        self.precision = Precision(1)

    def take(self, cell: str, row: int, place: Callable[[int], str], report: Report) -> None:
        """Add the target of the next example.

        Args:
            cell: The cell of the target column.
            row: The line that the example begins on.
            place: Describes the place of the target of a row, for messages.
            report: Receives the faults of the cell.

        Raises:
            DatasetTooLargeError: There are too many classes, or their names are too long.
        """
        text = nfc(cell.strip())
        value = number(text)
        if self._is_text is None and text:
            self._is_text = value is None
        if not text:
            report(row, kind=Kind.NO_TARGET, value="")
        elif self._is_text != (value is None):
            report(row, kind=Kind.NOT_TEXT if self._is_text else Kind.NOT_NUMERIC, value=text)
        elif value is None:
            if text not in self._codes:
                self._places[text] = place(row)
                self._labels.add(text, self._places[text])
            value = self._codes.setdefault(text, len(self._codes))
        elif not isfinite(value):
            report(row, kind=Kind.TARGET_NOT_FINITE, value=text)
        elif self._is_integer and not (text.lstrip("+-").isdecimal() and _INT32.min <= value <= _INT32.max):
            self._is_integer = False
        self._pending.append(0.0 if value is None else value)

    def flush(self, split: str) -> None:
        """Assign all targets since the last flush to `split`, and write them to disk."""
        if split not in self._splits:
            self._splits[split] = self._workspace.new_array((1,), np.float64)
        self._splits[split].append(np.frombuffer(self._pending, np.float64))
        self._pending = array("d")

    def name_faults(self) -> list[str]:
        """A sentence about the class names if at least half of them are numbers in another notation; else empty."""
        forms = {name: form for name in self._codes if (form := number_form(name)) not in {None, SEVERAL, UNDERSCORES}}
        if not forms or 2 * len(forms) < len(self._codes):
            return []
        form, _ = Counter(forms.values()).most_common(1)[0]
        name = next(name for name in forms if forms[name] == form)
        effect = f"text is read as class names, here of {_classes(len(self._codes))}"
        remedy = "write the numbers plainly, as 1234.5, or put a letter before each if classes are meant"
        return [f"{self._places[name]}: {quoted(name)} looks like {form}, and {effect}; {remedy}"]

    def finish(
        self, report: Callable[[str, int, float], None]
    ) -> tuple[Mapping[str, NDArray[Any]], tuple[str, ...] | None]:
        """Split -> targets, [N, 1]; and the class names in the order of their numbers, where the cells are names.

        Names are numbered in alphabetic order. Whole numbers are stored as int32, other numbers as float32.

        Args:
            report: Receives each whole number that equals its neighbours in float32: the split, the example from 0, and
                the number.
        """
        labels = tuple(sorted(self._codes)) if self._codes else None
        numbers = np.argsort(np.array([self._codes[name] for name in labels])) if labels else None
        dtype = np.int32 if numbers is not None or self._is_integer else np.float32
        finished: dict[str, NDArray[Any]] = {}
        for split, disk_array in self._splits.items():
            stored = self._workspace.new_array((1,), dtype)
            begin = 0
            for part in batches(disk_array.finish()):
                if dtype == np.float32:
                    rounded = part.astype(np.float32)
                    self.precision.add(part, rounded)
                    for at in indices_of_collisions(part[:, 0], rounded[:, 0]):
                        report(split, begin + at, float(part[at, 0]))
                    begin += len(part)
                stored.append(part if numbers is None else numbers[part.astype(np.int64)])
            finished[split] = stored.finish()
        return finished, labels


def class_notice(column: str, labels: tuple[str, ...]) -> str:
    """The notice about a target that holds text."""
    shown = ", ".join(quoted(label, 30) for label in labels[:_SHOWN_CLASSES])
    more = f" and {len(labels) - _SHOWN_CLASSES:,} more" if len(labels) > _SHOWN_CLASSES else ""
    return f"the target, {column}, holds text, which became {_classes(len(labels))}: {shown}{more}"


def _classes(count: int) -> str:
    return "1 class" if count == 1 else f"{count:,} classes"
