"""Which columns of a table are an index of its rows."""

import numpy as np
from numpy.typing import NDArray

MIN_ROWS = 20
"""Rows from which a column 0, 1, 2, … is an index; fewer may count by chance."""


def is_index_name(name: str) -> bool:
    """Whether a column has the name that pandas gives to the index of a table that it wrote and read again."""
    return name.lower().startswith("unnamed: 0")


class Counting:
    """Which columns count the rows, as n, n + 1, n + 2, …, gathered part by part.

    Args:
        width: How many columns there are.
    """

    def __init__(self, width: int) -> None:
        self._columns = np.arange(width)
        self._next: NDArray[np.float64] | None = None
        self._rows = 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Takes the next [n, width] values."""
        self._rows += len(values)
        if not len(values) or not len(self._columns):
            return
        picked = values[:, self._columns]
        begin = picked[0] if self._next is None else self._next
        counts = (picked == begin + np.arange(len(values))[:, None]).all(axis=0)
        self._columns = self._columns[counts]
        self._next = begin[counts] + len(values)

    def columns(self) -> list[int]:
        """Those that do, where there are enough rows to tell."""
        return [int(at) for at in self._columns] if self._rows >= MIN_ROWS else []
