"""CSV: a row is an example, a column a value; MNIST as pixels in a row, or any table of numbers with a target."""

from array import array
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from itertools import chain, islice
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.arrays import parts
from pippin.datasets.csv_columns import Group, Layout, layout
from pippin.datasets.csv_rows import rows
from pippin.datasets.csv_target import Target
from pippin.datasets.errors import FaultList, quoted, refuse, too_large
from pippin.datasets.growing import Workspace
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.manifest import Feature
from pippin.datasets.names import split_in
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, Rows, image_scale
from pippin.datasets.sources import Source, Sources

OPTIONS = frozenset({"scale", "target", "inputs", "shape", "header"})
"""The options that this format reads."""

_BATCH = 128 * 1024  # values of a feature that are gathered before they go to disk


def parse_csv(sources: Sources, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace) -> ParsedDataset:
    """Reads one CSV a split into features of float32 and a target; a lone file is the split `train`.

    Raises:
        DatasetError: A cell is no number, a row has too few cells, and the like; file, row and column are named.
        DatasetTooLargeError: There are too many rows, columns or classes.
    """
    reader = _Reader(options, limits, workspace)
    names: dict[str, str] = {}
    for source in sources.files:
        split = _split(source) if len(sources.files) > 1 else "train"
        if split in names:
            raise refuse(f"{names[split]} and {source.name} are both the split {split}; send one CSV a split")
        names[split] = source.name
        reader.read(split, source)
    reader.faults.raise_any()
    _check_same_columns(names, reader.tables)
    return _assembled(reader.tables, reader.target, options, workspace)


def _split(source: Source) -> str:
    return split_in(source.name) or PurePosixPath(source.name).stem


class _Reader:
    """What the files of one upload share while they are read."""

    def __init__(self, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace) -> None:
        self._options = options
        self._limits = limits
        self._workspace = workspace
        self.faults = FaultList()
        self.target = Target(limits, workspace, self.faults)
        self.tables: dict[str, _Table] = {}

    def read(self, split: str, source: Source) -> None:
        left = self._limits.max_examples - sum(table.count for table in self.tables.values())
        with closing(rows(source)) as stream:
            begin = list(islice(stream, 2))
            if not begin:
                raise refuse(f"{source.name} has no rows")
            (_, first), second = begin[0], begin[1][1] if len(begin) > 1 else None
            plan = layout(source.name, first, second, self._options, self._limits)
            table = self.tables[split] = _Table(source.name, plan, self._workspace, self.faults)
            single = plan.target.columns[0] if len(plan.target.columns) == 1 else None
            for row, cells in chain(begin[plan.headed :], stream):
                if not table.take(row, cells):
                    continue
                if single is not None:
                    self.target.take(cells[single], partial(table.place, row, single))
                if table.count > left:
                    most = self._limits.max_examples
                    raise too_large(f"{source.name} row {row} begins one example more than the {most:,} allowed")
        table.flush()
        self.target.flush(split)


class _Table:
    """The examples of one file, gathered as they are read."""

    def __init__(self, file: str, plan: Layout, workspace: Workspace, faults: FaultList) -> None:
        self.file = file
        self.layout = plan
        self._faults = faults
        several = (plan.target,) if len(plan.target.columns) > 1 else ()
        self._columns = [_Columns(group, workspace) for group in (*plan.inputs, *several)]
        self._rows = array("q")
        self._stored_rows = workspace.growing((), np.int64)
        self.count = 0

    def take(self, row: int, cells: list[str]) -> bool:
        """Adds the example in `row`; false, with its faults noted, when it cannot be one."""
        if len(cells) != len(self.layout.names):
            self._faults.add(
                f"{self.file} row {row} has {len(cells)} cells, where the first row has {len(self.layout.names)}"
            )
            return False
        try:
            for columns in self._columns:
                columns.take(cells)
        except ValueError:
            for columns in self._columns:
                columns.cut(len(self._rows))
            self._explain(row, cells)
            return False
        self._rows.append(row)
        self.count += 1
        if len(self._rows) * len(cells) >= _BATCH:
            self.flush()
        return True

    def flush(self) -> None:
        """Brings what was gathered to disk, noting numbers that float32 cannot hold."""
        for columns in self._columns:
            for example, index in columns.flush():
                self._faults.add(f"{self.place(self._rows[example], index)}: the number is not finite in 32 bits")
        self._stored_rows.append(np.frombuffer(self._rows, np.int64))
        self._rows = array("q")

    def finish(self) -> tuple[dict[str, NDArray[Any]], Rows]:
        """Feature -> [N, number of its columns]; and where each example stands."""
        features = {columns.group.feature: columns.growing.finish() for columns in self._columns}
        return features, Rows(self.file, self._stored_rows.finish())

    def place(self, row: int, index: int) -> str:
        """Where a cell stands, for a person."""
        return f"{self.file} row {row}, {self.layout.column(index)}"

    def _explain(self, row: int, cells: list[str]) -> None:
        for index in chain.from_iterable(columns.group.columns for columns in self._columns):
            try:
                float(cells[index])
            except ValueError:
                found = f"{quoted(cells[index])} is not a number" if cells[index].strip() else "the cell is empty"
                hint = ""
                if self.layout.guessed and not self._faults:
                    hint = f" (the target was taken to be {self.layout.column(0)}: name another with target=)"
                self._faults.add(f"{self.place(row, index)}: {found}; a feature is made of numbers{hint}")


class _Columns:
    """Gathers the columns of one feature as float32."""

    def __init__(self, group: Group, workspace: Workspace) -> None:
        self.group = group
        self.growing = workspace.growing((len(group.columns),), np.float32)
        self._pick = itemgetter(*group.columns, group.columns[0])  # one more: of a single column it makes no tuple
        self._pending = array("d")

    def take(self, cells: list[str]) -> None:
        """Adds the numbers of one row; may add part of them before it raises ValueError."""
        self._pending.extend(map(float, self._pick(cells)[:-1]))

    def cut(self, examples: int) -> None:
        """Keeps so many examples of those not yet flushed."""
        del self._pending[examples * len(self.group.columns) :]

    def flush(self) -> list[tuple[int, int]]:
        """Brings what was gathered to disk; returns what is not finite: (example since the last flush, column)."""
        with np.errstate(over="ignore"):
            values = np.frombuffer(self._pending, np.float64).astype(np.float32)
        self.growing.append(values)
        self._pending = array("d")
        width = len(self.group.columns)
        return [(int(at) // width, self.group.columns[int(at) % width]) for at in np.flatnonzero(~np.isfinite(values))]


def _check_same_columns(names: Mapping[str, str], tables: Mapping[str, _Table]) -> None:
    (split, first), *others = tables.items()
    for other, table in others:
        if _used(first.layout) != _used(table.layout):
            raise refuse(f"{names[split]} and {names[other]} have different columns; every split needs the same")


def _used(layout: Layout) -> list[tuple[str, list[str]]]:
    return [
        (group.feature, [layout.names[at] for at in group.columns] if layout.headed else [str(len(group.columns))])
        for group in (*layout.inputs, layout.target)
    ]


def _assembled(
    tables: Mapping[str, _Table], target: Target, options: DatasetOptions, workspace: Workspace
) -> ParsedDataset:
    plan = next(iter(tables.values())).layout
    finished = {split: table.finish() for split, table in tables.items()}
    splits = {split: arrays for split, (arrays, _) in finished.items()}
    labels = None
    if len(plan.target.columns) == 1:
        targets, labels = target.finish()
        for split, arrays in splits.items():
            arrays[plan.target.feature] = targets[split]
    if options.shape is not None:
        name = plan.inputs[0].feature
        for split, shaped in _shaped({s: a[name] for s, a in splits.items()}, options.shape, workspace).items():
            splits[split][name] = shaped
    first = next(iter(splits.values()))
    features = tuple(
        Feature(
            name=group.feature,
            shape=first[group.feature].shape[1:],
            dtype=first[group.feature].dtype.name,
            scale=image_scale(first[group.feature], options),
        )
        for group in (*plan.inputs, plan.target)
    )
    return ParsedDataset("csv", features, splits, labels, {split: rows for split, (_, rows) in finished.items()})


def _shaped(
    arrays: Mapping[str, NDArray[Any]], shape: tuple[int, ...], workspace: Workspace
) -> dict[str, NDArray[Any]]:
    """The arrays in the shape asked for; as bytes where they are pictures of whole numbers from 0 to 255.

    Numbers none of which is above 1 stay floats: they have been scaled already.
    """
    everything = [part for values in arrays.values() for part in parts(values)]
    pixels = len(shape) == 3 and any(part.max() > 1 for part in everything)
    if not (pixels and all(_are_bytes(part) for part in everything)):
        return {split: values.reshape((-1, *shape)) for split, values in arrays.items()}
    return {split: _as_bytes(values, shape, workspace) for split, values in arrays.items()}


def _as_bytes(values: NDArray[Any], shape: tuple[int, ...], workspace: Workspace) -> NDArray[Any]:
    growing = workspace.growing(shape, np.uint8)
    for part in parts(values):
        growing.append(part)
    return growing.finish()


def _are_bytes(part: NDArray[np.float32]) -> bool:
    return bool(((part >= 0) & (part <= 255) & (part == np.floor(part))).all())
