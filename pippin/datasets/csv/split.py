"""Collects the examples of one file of a CSV upload, which is one split, row by row."""

from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.csv.cells import Kind, TableFaults, number
from pippin.datasets.csv.columns import Group, Layout
from pippin.datasets.disk_arrays import Workspace
from pippin.datasets.dtypes import Precision, indices_of_collisions, shown
from pippin.datasets.errors import refuse
from pippin.datasets.parsed import Rows

MIN_ROWS = 20
"""The number of rows from which a column 0, 1, 2, … is an index: in fewer rows, this may be chance."""


def is_index_name(name: str) -> bool:
    """Whether a column has the name that pandas gives to an index after writing and reading a table."""
    return name.lower().startswith("unnamed: 0")


class Counting:
    """Determines which columns number the rows, as n, n + 1, n + 2, …, batch by batch.

    Args:
        width: The number of columns.
    """

    def __init__(self, width: int) -> None:
        self._columns = np.arange(width)
        self._next: NDArray[np.float64] | None = None
        self._rows = 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Add the next [n, width] values."""
        self._rows += len(values)
        if not len(values) or not len(self._columns):
            return
        picked = values[:, self._columns]
        begin = picked[0] if self._next is None else self._next
        counts = (picked == begin + np.arange(len(values))[:, None]).all(axis=0)
        self._columns = self._columns[counts]
        self._next = begin[counts] + len(values)

    def columns(self) -> list[int]:
        """The columns that number the rows; none where there are fewer than `MIN_ROWS` rows."""
        return [int(at) for at in self._columns] if self._rows >= MIN_ROWS else []


_BATCH = 128 * 1024  # cells that are collected before they are written to disk
_MAX_COUNTED_VALUES = 256  # different values of a column that are counted: a byte has 256 values
_DOMINANT = 0.9  # a column in which one value is this frequent is an empty corner of pictures, not a label


class Table:
    """The examples of one file.

    Attributes:
        file: The name of the file.
        layout: The columns of each feature.
        faults: The faults of the file.
        count: The number of examples so far.
    """

    def __init__(self, file: str, layout: Layout, workspace: Workspace) -> None:
        self.file = file
        self.layout = layout
        self.faults = TableFaults(file)
        self.count = 0
        several = (layout.target,) if len(layout.target.columns) > 1 else ()
        self._columns = [_Columns(group, workspace, layout.assumed) for group in (*layout.inputs, *several)]
        self._numeric = tuple(chain.from_iterable(columns.group.columns for columns in self._columns))
        self._rows = array("q")
        self._stored_rows = workspace.new_array((), np.int64)
        self._assumption = _Assumption() if layout.assumed else None

    def take(self, row: int, cells: list[str], *, has_underscore: bool) -> bool:
        """Add the example in a row.

        Args:
            row: The line that the row begins on.
            cells: The cells of the row.
            has_underscore: Whether a cell may be `1_000`, which `float` accepts and which is not a number here.

        Returns:
            Whether the row is an example. If not, the faults of the row are added.
        """
        self.faults.rows += 1
        if len(cells) != len(self.layout.names):
            kind = Kind.COMMENT if cells[0].lstrip().startswith("#") else Kind.RAGGED
            actual = f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'}, not {len(self.layout.names)}"
            self.faults.add(kind, row, "", "" if kind is Kind.COMMENT else actual)
            return False
        if has_underscore and any("_" in cells[at] for at in self._numeric):
            self._add_number_faults(row, cells)
            return False
        try:
            for columns in self._columns:
                columns.take(cells)
        except ValueError:
            for columns in self._columns:
                columns.cut(len(self._rows))
            self._add_number_faults(row, cells)
            return False
        self._rows.append(row)
        self.count += 1
        if self._assumption is not None:
            self._assumption.take(cells[0], cells[-1])
        if len(self._rows) * len(cells) >= _BATCH:
            self.flush()
        return True

    def flush(self) -> None:
        """Write the collected examples to disk. Adds a fault for each number that float32 cannot hold."""
        for columns in self._columns:
            for kind, example, index, value in columns.flush():
                self.report(self._rows[example], index, kind, value)
        self._stored_rows.append(np.frombuffer(self._rows, np.int64))
        self._rows = array("q")

    def finish(self) -> tuple[dict[str, NDArray[Any]], Rows]:
        """Feature -> [N, number of its columns]; and the row of each example."""
        features = {columns.group.feature: columns.disk_array.finish() for columns in self._columns}
        return features, Rows(self.file, self._stored_rows.finish())

    def place(self, row: int, index: int) -> str:
        """The file, row and column of a cell, for messages."""
        return f"{self.file} row {row}, {self.layout.column(index)}"

    def report(self, row: int, index: int, kind: Kind, value: str) -> None:
        """Add a fault of a cell."""
        self.faults.add(kind, row, self.layout.column(index), value)

    def check_assumption(self) -> None:
        """Check that a file whose first column was assumed to be the target has the form of MNIST as CSV.

        Raises:
            DatasetError: The file has another form.
        """
        if self._assumption is None:
            return
        reason = self._assumption.reason or next(
            (
                "another column has values other than bytes from 0 to 255"
                for each in self._columns
                if not each.are_bytes
            ),
            None,
        )
        if reason:
            raise refuse(
                f"{self.file}: the columns have no names, and {reason}, so column 1 is not assumed to be the target; "
                f"set target= to the column to predict, such as target={self.layout.names[0]} for the first or "
                f"target={self.layout.names[-1]} for the last",
                "/target",
            )

    def precision_notices(self) -> Iterator[str]:
        """Notices about columns whose numbers float32 rounds noticeably."""
        for columns in self._columns:
            for at, step in columns.precision.coarse():
                yield coarse_notice(self.file, self.layout.column(columns.group.columns[at]), step)

    def index_notices(self) -> Iterator[str]:
        """A notice about input columns that may be an index of the rows."""
        indices: list[int] = []
        for columns in self._columns[: len(self.layout.inputs)]:
            counting = set(columns.counting.columns())
            indices += [
                index
                for at, index in enumerate(columns.group.columns)
                if at in counting or is_index_name(self.layout.names[index])
            ]
        if indices:
            more = f", as {len(indices) - 1:,} more do," if len(indices) > 1 else ""
            yield (
                f"{self.layout.column(indices[0])} looks like an index of the rows{more} and is used as an input; "
                "exclude indices with inputs="
            )

    def _add_number_faults(self, row: int, cells: list[str]) -> None:
        for index in self._numeric:
            if number(cells[index]) is None:
                kind = Kind.NOT_A_NUMBER if cells[index].strip() else Kind.EMPTY
                self.report(row, index, kind, cells[index])


def coarse_notice(file: str, column: str, step: float) -> str:
    """The notice about a column whose numbers float32 rounds noticeably."""
    return (
        f"{column} of {file} was rounded to steps of up to {step:.3g}, the distance between 32-bit floats of that "
        "size; subtract an offset if smaller differences matter"
    )


def check_same_columns(first: Table, second: Table) -> None:
    """Check that two splits have the same columns in the same roles.

    Raises:
        DatasetError: The columns differ; the message names the difference.
    """
    if first.layout.headed != second.layout.headed:
        headed, headless = (first, second) if first.layout.headed else (second, first)
        detail = f"{headed.file} was read with a header and {headless.file} without"
    elif _features_and_columns(first.layout) == _features_and_columns(second.layout):
        return
    elif missing := [name for name in first.layout.names if name not in second.layout.names]:
        detail = f"{second.file} has no {missing[0]!r}, which {first.file} has"
    elif missing := [name for name in second.layout.names if name not in first.layout.names]:
        detail = f"{first.file} has no {missing[0]!r}, which {second.file} has"
    else:
        detail = "their columns are in a different order"
    raise refuse(f"{first.file} and {second.file} have different columns; every split needs the same: {detail}")


def _features_and_columns(layout: Layout) -> list[tuple[str, list[str]]]:
    return [
        (group.feature, [layout.names[at] for at in group.columns] if layout.headed else [str(len(group.columns))])
        for group in (*layout.inputs, layout.target)
    ]


class _Assumption:
    """Checks whether the first column can be the label of MNIST as CSV.

    A label is whole, not constant, and does not number the rows; and the last column is less similar to a label.
    """

    def __init__(self) -> None:
        self._count = 0
        self._first: float | None = None
        self._is_constant = True
        self._is_index = True
        self._is_whole = True
        self._labels: set[float | None] = set()
        self._last: Counter[str] = Counter()

    def take(self, cell: str, last: str) -> None:
        """Add the first and the last cell of the next example."""
        value = number(cell)
        if self._first is None:
            self._first = value
        self._is_constant = self._is_constant and value == self._first
        self._is_index = self._is_index and value == self._count + (self._first or 0)
        self._is_whole = self._is_whole and value is not None and value >= 0 and value.is_integer()
        self._count += 1
        if len(self._labels) <= _MAX_COUNTED_VALUES:
            self._labels.add(value)
        if len(self._last) <= _MAX_COUNTED_VALUES:
            self._last[last] += 1

    @property
    def reason(self) -> str | None:
        """Why the first column cannot be the label; None if it can."""
        if not self._is_whole:
            return "the first column has values other than whole numbers from 0"
        if self._is_constant and self._count > 1:
            return "the first column has the same number in every row"
        if self._is_index and self._count >= MIN_ROWS:
            return "the first column numbers the rows"
        is_varied = max(self._last.values(), default=0) < _DOMINANT * self._count
        if self._count >= MIN_ROWS and is_varied and len(self._last) < len(self._labels):
            return "the last column has fewer different numbers than the first, like a column of labels"
        return None


class _Columns:
    """Collects the columns of one feature as float32.

    Attributes:
        are_bytes: Whether all values so far are whole numbers from 0 to 255; determined only where that is expected.
        precision: Whether the values stay distinct in float32.
        counting: Which columns number the rows.
    """

    def __init__(self, group: Group, workspace: Workspace, expects_bytes: bool) -> None:
        self.group = group
        self._expects_bytes = expects_bytes
        self.disk_array = workspace.new_array((len(group.columns),), np.float32)
        self.are_bytes = True
        self.precision = Precision(len(group.columns))
        self.counting = Counting(len(group.columns))
        self._pick = itemgetter(*group.columns, group.columns[0])  # an extra column, since one column gives no tuple
        self._pending = array("d")

    def take(self, cells: list[str]) -> None:
        """Add the numbers of one row. May add some of the numbers before it raises ValueError."""
        self._pending.extend(map(float, self._pick(cells)[:-1]))

    def cut(self, examples: int) -> None:
        """Keep only the first `examples` of the examples since the last flush."""
        del self._pending[examples * len(self.group.columns) :]

    def flush(self) -> list[tuple[Kind, int, int, str]]:
        """Write the collected values to disk.

        Returns:
            Each value that is not finite, or is a whole number that would equal another one: the kind of fault, the
            example since the last flush, the column, and the value.
        """
        width = len(self.group.columns)
        values = np.frombuffer(self._pending, np.float64)
        with np.errstate(over="ignore"):
            stored = values.astype(np.float32)
        self.disk_array.append(stored)
        self._pending = array("d")
        self.counting.add(values.reshape(-1, width))
        if self._expects_bytes and self.are_bytes:
            self.are_bytes = bool(((values >= 0) & (values <= 255) & (values == np.floor(values))).all())
        wrong = [(Kind.NOT_FINITE, int(at)) for at in np.flatnonzero(~np.isfinite(stored))]
        if not wrong:
            self.precision.add(values.reshape(-1, width), stored.reshape(-1, width))
        wrong += [(Kind.COLLAPSES, at) for at in indices_of_collisions(values, stored)]
        return [(kind, at // width, self.group.columns[at % width], shown(values[at])) for kind, at in wrong]
