"""Reads CSV files, one for each split, into features and a target: each row is an example."""

from collections.abc import Mapping
from functools import partial
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import Feature
from pippin.datasets.csv.cells import Kind, raise_any
from pippin.datasets.csv.columns import layout
from pippin.datasets.csv.rows import open_rows
from pippin.datasets.csv.split import Table, check_same_columns, coarse_notice
from pippin.datasets.csv.target import Target, class_notice
from pippin.datasets.disk_arrays import Workspace, batches
from pippin.datasets.dtypes import shown
from pippin.datasets.errors import refuse, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.names import split_in
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, image_scale
from pippin.datasets.parsed import Rows as ExampleRows
from pippin.datasets.sources import Source, Sources

OPTIONS = frozenset({"scale", "target", "inputs", "shape", "header"})
"""The options that this format reads."""


def parse_csv(sources: Sources, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace) -> ParsedDataset:
    """Read one CSV for each split into features of float32 and a target. A single file is the split `train`.

    Raises:
        DatasetError: A cell is not a number, a row has too few cells, and the like; the message has file, row and
            column.
        DatasetTooLargeError: There are too many rows, columns or classes.
    """
    reader = _Reader(options, limits, workspace)
    names: dict[str, str] = {}
    for source in sources.files:
        split = _split(source) if len(sources.files) > 1 else "train"
        if split in names:
            raise refuse(f"{names[split]} and {source.name} are both the split {split}; send one CSV per split")
        names[split] = source.name
        reader.read(split, source)
    reader.check()
    return reader.assembled()


def _split(source: Source) -> str:
    return split_in(source.name) or PurePosixPath(source.name).stem


class _Reader:
    """Reads the files of one upload."""

    def __init__(self, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace) -> None:
        self._options = options
        self._limits = limits
        self._workspace = workspace
        self._target = Target(limits, workspace)
        self._tables: dict[str, Table] = {}
        self._notices: list[str] = []

    def read(self, split: str, source: Source) -> None:
        max_rows = self._limits.max_examples - sum(table.count for table in self._tables.values())
        with open_rows(source) as rows:
            sample = rows.sample()
            if not sample:
                raise refuse(f"{source.name} has no rows")
            plan = layout(source.name, [cells for _, cells, _ in sample], self._options, self._limits)
            table = self._tables[split] = Table(source.name, plan, self._workspace)
            single = plan.target.columns[0] if len(plan.target.columns) == 1 else None
            place, report = partial(table.place, index=single or 0), partial(table.report, index=single or 0)
            for row, cells, has_underscore in chain(sample[plan.headed :], rows):
                if table.take(row, cells, has_underscore=has_underscore) and single is not None:
                    self._target.take(cells[single], row, place, report)
                if table.count > max_rows:
                    limit = self._limits.max_examples
                    raise too_large(f"{source.name} row {row} exceeds the limit of {limit:,} examples")
                if table.faults.is_full:
                    break
            self._notices += [*rows.notices(), *plan.notices]
        table.flush()
        self._target.flush(split)

    def check(self) -> None:
        """Check the files. Called after all files have been read.

        Raises:
            DatasetError: The files have faults or different columns.
        """
        tables = list(self._tables.values())
        raise_any([table.faults for table in tables], self._target.name_faults())
        for table in tables[1:]:
            check_same_columns(tables[0], table)
        for table in tables:
            table.check_assumption()

    def assembled(self) -> ParsedDataset:
        """The dataset.

        Raises:
            DatasetError: The target has different whole numbers that are equal in float32.
        """
        plan = next(iter(self._tables.values())).layout
        finished = {split: table.finish() for split, table in self._tables.items()}
        splits = {split: arrays for split, (arrays, _) in finished.items()}
        rows = {split: numbers for split, (_, numbers) in finished.items()}
        labels = None
        if len(plan.target.columns) == 1:
            targets, labels = self._finished_target(rows)
            for split, arrays in splits.items():
                arrays[plan.target.feature] = targets[split]
        if self._options.shape is not None:
            name = plan.inputs[0].feature
            images = {split: arrays[name] for split, arrays in splits.items()}
            for split, shaped in _shaped(images, self._options.shape, self._workspace).items():
                splits[split][name] = shaped
        for table in self._tables.values():
            self._notices += table.index_notices()
        first = next(iter(splits.values()))
        features = tuple(
            Feature(
                name=group.feature,
                shape=first[group.feature].shape[1:],
                dtype=first[group.feature].dtype.name,
                scale=image_scale(first[group.feature], self._options),
            )
            for group in (*plan.inputs, plan.target)
        )
        return ParsedDataset("csv", features, splits, labels, rows, tuple(self._notices))

    def _finished_target(
        self, rows: Mapping[str, ExampleRows]
    ) -> tuple[Mapping[str, NDArray[Any]], tuple[str, ...] | None]:
        def report(split: str, example: int, value: float) -> None:
            table = self._tables[split]
            (column,) = table.layout.target.columns
            table.report(int(rows[split].numbers[example]), column, Kind.TARGET_COLLAPSES, shown(value))

        targets, labels = self._target.finish(report)
        tables = list(self._tables.values())
        raise_any([table.faults for table in tables])
        plan = tables[0].layout
        column = plan.column(plan.target.columns[0])
        if labels is not None:
            self._notices.append(class_notice(column, labels))
        for table in tables:
            self._notices += table.precision_notices()
        for _, step in self._target.precision.coarse():
            self._notices.append(coarse_notice(tables[0].file, column, step))
        return targets, labels


def _shaped(
    arrays: Mapping[str, NDArray[Any]], shape: tuple[int, ...], workspace: Workspace
) -> dict[str, NDArray[Any]]:
    """The arrays in the requested shape, as bytes where they are pictures of whole numbers from 0 to 255.

    Where no number is above 1, the numbers are already scaled and stay floats.
    """
    parts = [part for values in arrays.values() for part in batches(values)]
    pixels = len(shape) == 3 and any(part.max() > 1 for part in parts)
    if not (pixels and all(_are_bytes(part) for part in parts)):
        return {split: values.reshape((-1, *shape)) for split, values in arrays.items()}
    return {split: _as_bytes(values, shape, workspace) for split, values in arrays.items()}


def _as_bytes(values: NDArray[Any], shape: tuple[int, ...], workspace: Workspace) -> NDArray[Any]:
    disk_array = workspace.new_array(shape, np.uint8)
    for part in batches(values):
        disk_array.append(part)
    return disk_array.finish()


def _are_bytes(part: NDArray[np.float32]) -> bool:
    return bool(((part >= 0) & (part <= 255) & (part == np.floor(part))).all())
