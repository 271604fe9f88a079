"""The target of a CSV: class names, class numbers, or quantities, told apart by looking at all of them."""

from array import array
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.arrays import parts
from pippin.datasets.errors import FaultList, quoted
from pippin.datasets.growing import GrowingArray, Workspace
from pippin.datasets.limits import DatasetLimits, Labels
from pippin.datasets.names import composed

_INT32 = np.iinfo(np.int32)


class Target:
    """Gathers a single target column over all files, in order.

    All cells are numbers, or all are text: a mixture is a slip of the pen more often than a wish, and would turn a
    regression into a classification with a class per number.
    """

    def __init__(self, limits: DatasetLimits, workspace: Workspace, faults: FaultList) -> None:
        self._labels = Labels(limits, "name another column with target= if the target is another one")
        self._workspace = workspace
        self._faults = faults
        self._codes: dict[str, int] = {}
        self._is_text: bool | None = None
        self._is_integer = True
        self._pending = array("d")
        self._splits: dict[str, GrowingArray] = {}

    def take(self, cell: str, place: Callable[[], str]) -> None:
        """The target of the next example; `place` says where it stands.

        Raises:
            DatasetTooLargeError: There are more classes than allowed, or longer ones.
        """
        text = composed(cell.strip())
        value = _number(text)
        if self._is_text is None:
            self._is_text = value is None
        if not text:
            self._faults.add(f"{place()} is empty; every example needs a target")
        elif self._is_text != (value is None):
            kinds = ("text", "numbers") if self._is_text else ("numbers", "text")
            self._faults.add(f"{place()}: {quoted(text)} is not like the rows before, which have {kinds[0]}")
        elif value is None:
            if text not in self._codes:
                self._labels.add(text, place())
            value = self._codes.setdefault(text, len(self._codes))
        elif not isfinite(value):
            self._faults.add(f"{place()}: {quoted(text)} is not a finite number")
        elif self._is_integer and not (text.lstrip("+-").isdecimal() and _INT32.min <= value <= _INT32.max):
            self._is_integer = False
        self._pending.append(0.0 if value is None else value)

    def flush(self, split: str) -> None:
        """All targets taken since the last flush belong to `split`."""
        if split not in self._splits:
            self._splits[split] = self._workspace.growing((1,), np.float64)
        self._splits[split].append(np.frombuffer(self._pending, np.float64))
        self._pending = array("d")

    def finish(self) -> tuple[Mapping[str, NDArray[Any]], tuple[str, ...] | None]:
        """Split -> targets, [N, 1]; and the class names in order of their numbers, when the cells are names.

        Names are numbered in alphabetic order. Whole numbers stay as they are, as int32; others become float32.
        """
        labels = tuple(sorted(self._codes)) if self._codes else None
        numbers = np.argsort(np.array([self._codes[name] for name in labels])) if labels else None
        dtype = np.int32 if numbers is not None or self._is_integer else np.float32
        finished: dict[str, NDArray[Any]] = {}
        for split, growing in self._splits.items():
            stored = self._workspace.growing((1,), dtype)
            for part in parts(growing.finish()):
                stored.append(part if numbers is None else numbers[part.astype(np.int64)])
            finished[split] = stored.finish()
        return finished, labels


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
