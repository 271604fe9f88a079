"""Determines whether the first row of a CSV is a header, and which columns make up which feature."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

from pippin.datasets.csv.cells import is_like_number, number, number_form
from pippin.datasets.errors import DatasetError, quoted, refuse, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.names import nfc
from pippin.datasets.options import DatasetOptions

TARGET_NAMES = ("label", "target", "class", "y")
"""Names, in upper or lower case, of the column that is the target where the upload names none."""

_MIN_COUNTED = 4  # a row that numbers at least this many columns is a header without further evidence
_RENAMED = re.compile(r"(.*\d)\.(\d{1,6})")
_MAX_DIGITS = 6


def is_target_name(name: str) -> bool:
    """Whether a column with this name is the target where the upload names none."""
    return name.strip().lower() in TARGET_NAMES


def is_numbered(cells: Sequence[str]) -> bool:
    """Whether a row numbers its columns, as a header from pandas does: 0, 1, 2, … or 1, 2, 3, and so on."""
    return _is_consecutive(cells, (0, 1))


def has_header(file: str, rows: list[list[str]], requested: Collection[str]) -> bool:
    """Whether the first row is a header, by comparison with the rows below.

    Names are not numbers, and examples are mostly numbers. A first row with numbers where the rows below have numbers
    is an example, unless the row numbers its columns or names the target.

    Args:
        file: The name of the file, for messages.
        rows: The first rows of the file.
        requested: The names of columns in the options.

    Raises:
        DatasetError: The first row may be a header or an example.
    """
    first, below = rows[0], rows[1:]
    numeric = [is_like_number(cell) for cell in first]
    if not any(numeric) or any(
        nfc(cell.strip()) in requested for cell, is_number in zip(first, numeric, strict=True) if not is_number
    ):
        return True
    if _is_renamed_by_pandas(first) and all(cell.strip().isdecimal() for row in below for cell in row[1:]):
        raise _ambiguous_header(file, "row 1 looks like an example that pandas used as a header (0, 0.1, 0.2, …)")
    named = any(is_target_name(cell) for cell in first)
    over_numbers = any(not numeric[at] and _is_numeric(below, at) for at in range(len(first)))
    if is_numbered(first):
        like_others = any(_is_consecutive(row, None) for row in below)
        if named or over_numbers or (sum(numeric) >= _MIN_COUNTED and below and not like_others):
            return True
        raise _ambiguous_header(
            file, f"row 1 ({_shown(first)}) numbers its columns, so it may be a header or an example"
        )
    if over_numbers or named:
        if over_numbers and _is_consecutive(first, None):
            return True  # such as years
        raise _ambiguous_header(file, f"row 1 ({_shown(first)}) has names and numbers")
    if (
        sum(numeric) > 2
        and _is_consecutive(first, None)
        and below
        and not any(_is_consecutive(row, None) for row in below)
    ):
        raise _ambiguous_header(
            file, f"row 1 ({_shown(first)}) numbers its columns, so it may be a header or an example"
        )
    return False


def _ambiguous_header(file: str, observation: str) -> DatasetError:
    return refuse(
        f"{file}: {observation}; set header=true if it names the columns, header=false if it is an example", "/header"
    )


def _is_consecutive(cells: Sequence[str], allowed_begins: tuple[int, ...] | None) -> bool:
    """Whether the numbers of a row are consecutive whole numbers that begin with one of `begins`; None admits any."""
    numbers = [cell.strip() for cell in cells if is_like_number(cell)]
    if len(numbers) < 2 or not (numbers[0].isascii() and numbers[0].isdecimal() and len(numbers[0]) <= _MAX_DIGITS):
        return False
    begin = int(numbers[0])
    if allowed_begins is not None and begin not in allowed_begins:
        return False
    return all(text == str(begin + at) for at, text in enumerate(numbers))


def _is_numeric(rows: list[list[str]], at: int) -> bool:
    """Whether most of the rows have a number in column `at`."""
    return 2 * sum(at < len(row) and number(row[at]) is not None for row in rows) > len(rows)


def _is_renamed_by_pandas(first: list[str]) -> bool:
    """Whether equal cells were renamed as pandas does: the second "0" is "0.1", the third "0.2"."""
    seen: dict[str, int] = {}
    renamed = 0
    for cell in first:
        if (match := _RENAMED.fullmatch(cell)) and int(match[2]) == seen.get(match[1], 0) + 1 and match[1] in seen:
            seen[match[1]] += 1
            renamed += 1
        else:
            seen.setdefault(cell, 0)
    return renamed >= _MIN_COUNTED - 1


def _shown(cells: list[str]) -> str:
    return ", ".join(quoted(cell, 20) for cell in cells[:4]) + (", …" if len(cells) > 4 else "")


_LISTED = 20
_LISTED_CHARACTERS = 30  # of a column's name in a list


@dataclass(frozen=True)
class Group:
    """A feature and the positions of its columns, from 0, in the order of the feature."""

    feature: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The columns of one file.

    Attributes:
        headed: Whether the first row is a header.
        names: The names of the columns; "1", "2", … without a header.
        inputs: The input features.
        target: The feature to predict.
        assumed: Whether the first column is the target because the first rows have the form of MNIST as CSV. All rows
            must then have this form.
        notices: Notices about assumptions.
    """

    headed: bool
    names: tuple[str, ...]
    inputs: tuple[Group, ...]
    target: Group
    assumed: bool
    notices: tuple[str, ...]

    def column(self, index: int) -> str:
        """A column as messages name it: its number from 1 and its name."""
        return _column(index, self.names, headed=self.headed)


def _column(index: int, names: tuple[str, ...], *, headed: bool) -> str:
    return f"column {index + 1} ({quoted(names[index])})" if headed else f"column {index + 1}"


def layout(file: str, rows: list[list[str]], options: DatasetOptions, limits: DatasetLimits) -> Layout:
    """Determine the layout of a file from its first rows.

    Args:
        file: The name of the file, for messages.
        rows: The first rows, at least one.
        options: The options of the upload.
        limits: The limits, of which the number of columns applies here.

    Raises:
        DatasetError: A column of the options does not exist, exists twice or is used twice; or the header or the target
            is ambiguous.
        DatasetTooLargeError: There are too many columns.
    """
    first = rows[0]
    if len(first) > limits.max_columns:
        raise too_large(f"{file} has {len(first):,} columns; {limits.max_columns:,} are allowed")
    if len(first) == 1:
        raise refuse(
            f"{file} has no column besides the target to learn from: found no comma, semicolon, tab or pipe between "
            "cells in the first row"
        )
    headed = has_header(file, rows, _requested(options)) if options.header is None else options.header
    names = _names(first) if headed else tuple(str(at + 1) for at in range(len(first)))
    notices = []
    counted = headed and is_numbered(first)
    if counted and options.header is None:
        notices.append(
            f"row 1 numbers the columns ({', '.join([name for name in names if name.isdecimal()][:3])}, …), so it was "
            "read as a header, not as an example; to read it as an example, set header=false"
        )
    elif options.header is None and not headed and any(number(cell) is None for cell in first):
        notices.append(
            f"row 1 of {file} was read as an example, not as a header; to read it as a header, set header=true"
        )
    finder = _ColumnFinder(file, names, headed)
    examples = rows[headed:]
    assumed = False
    if options.target is not None:
        ((feature, columns),) = options.target.items()
        target = finder.group(feature, columns, "/target")
    elif (named := _named_target(finder, options)) is not None:
        target = Group(names[named], (named,))
        notices.append(f"the target is {_column(named, names, headed=headed)}, by its name; set target= to change it")
    elif options.inputs is None and (not headed or counted) and names[0] and is_like_mnist(examples):
        target, assumed = Group("label", (0,)), True
        notices.append(
            "the target is column 1: the columns have no names, the first holds whole numbers and the others bytes "
            "from 0 to 255, like MNIST as CSV; set target= to change it"
        )
    else:
        raise _missing_target(finder, examples)
    inputs = _inputs(finder, options, target, assumed=assumed)
    features = [group.feature for group in (*inputs, target)]
    if len(set(features)) < len(features):
        raise refuse(
            f"{file}: two features would be called {quoted(target.feature)}; rename the target, for example with "
            f"target=label:{names[target.columns[0]]}",
            "/target",
        )
    return Layout(headed, names, inputs, target, assumed, tuple(notices))


def _requested(options: DatasetOptions) -> set[str]:
    groups = (*(options.target or {}).values(), *(options.inputs or {}).values())
    return {nfc(column) for columns in groups for column in columns}


def _names(header: list[str]) -> tuple[str, ...]:
    first, *others = (nfc(cell.strip()) for cell in header)
    # `numpy.savetxt` writes "# " before the first name.
    return (first.lstrip("# ") or first, *others)


def is_like_mnist(examples: list[list[str]]) -> bool:
    """Whether rows have the form of MNIST as CSV: a whole number from 0, then bytes from 0 to 255."""
    return bool(examples) and all(
        len(cells) > 1 and _is_whole(cells[0], 2**31 - 1) and all(_is_whole(cell, 255) for cell in cells[1:])
        for cells in examples
    )


def _is_whole(cell: str, maximum: int) -> bool:
    value = number(cell)
    return value is not None and 0 <= value <= maximum and value.is_integer()


def _named_target(finder: "_ColumnFinder", options: DatasetOptions) -> int | None:
    """The column that is the target by its name; None if there is no such column. Columns in `inputs` do not count."""
    if not finder.headed:
        return None
    inputs = {column for columns in (options.inputs or {}).values() for column in columns}
    candidates = [at for at, name in enumerate(finder.names) if is_target_name(name) and name not in inputs]
    if {"x", "y", "z"} <= {name.lower() for name in finder.names}:
        candidates = [at for at in candidates if finder.names[at].lower() != "y"]  # a coordinate
    if len(candidates) > 1:
        listed = finder.names_text(candidates)
        raise refuse(f"{finder.file}: {listed} could each be the target; set target=", "/target")
    return candidates[0] if candidates else None


def _missing_target(finder: "_ColumnFinder", examples: list[list[str]]) -> DatasetError:
    columns = range(len(finder.names))
    last = len(columns)
    text = [
        at
        for at in columns
        if examples
        and all(at < len(row) and number(row[at]) is None and number_form(row[at]) is None for row in examples)
    ]
    hint = f" (only column {text[0] + 1}, target={finder.names[text[0]]}, holds text)" if len(text) == 1 else ""
    if finder.headed:
        detail = (
            f"no column is called {', '.join(TARGET_NAMES[:-1])} or {TARGET_NAMES[-1]}; set target= to one of its "
            f"{last:,} columns, or remove the file if it has no labels: "
            f"{finder.names_text(columns)}{hint}"
        )
    else:
        detail = (
            "the first row was read as an example, so the columns have no names; set target= to the number of the "
            f"column to predict, from 1 to {last}, such as target={last} for the last{hint}, or header=true if the "
            "first row holds names"
        )
    return refuse(f"{finder.file}: {detail}", "/target")


class _ColumnFinder:
    """Finds columns by name."""

    def __init__(self, file: str, names: tuple[str, ...], headed: bool) -> None:
        self.file = file
        self.names = names
        self.headed = headed

    def __call__(self, name: str, parameter: str) -> int:
        matches = [at for at, column in enumerate(self.names) if column == nfc(name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise refuse(f"{self.file} has {len(matches)} columns called {quoted(name)}", parameter)
        columns = "its columns are" if self.headed else "row 1 was read as an example, so its columns are the numbers"
        hint = "" if self.headed else "; set header=true to read row 1 as names"
        if all(part in self.names for part in name.split(",")):
            hint = f"; several columns make one feature under a name, as {parameter[1:]}=features:{name}"
        elif self.headed and name.isdecimal():
            hint = "; columns have numbers only without a header: set header=false to read row 1 as an example"
        listed = self.names_text(range(len(self.names)))
        raise refuse(f"{self.file} has no column {quoted(name)}; {columns} {listed}{hint}", parameter)

    def names_text(self, columns: "range | list[int]") -> str:
        """The names of the first twenty columns, with long names shortened."""
        names = [self.names[at] for at in columns[:_LISTED]]
        cut = [name if len(name) <= _LISTED_CHARACTERS else name[:_LISTED_CHARACTERS] + "…" for name in names]
        return ", ".join(name or "(no name)" for name in cut) + (", …" if len(columns) > _LISTED else "")

    def group(self, feature: str, columns: tuple[str, ...], parameter: str) -> Group:
        return Group(feature, tuple(self(column, parameter) for column in columns))


def _inputs(finder: _ColumnFinder, options: DatasetOptions, target: Group, *, assumed: bool) -> tuple[Group, ...]:
    if options.inputs is not None:
        groups = tuple(finder.group(feature, columns, "/inputs") for feature, columns in options.inputs.items())
        for group in groups:
            if shared := set(group.columns) & set(target.columns):
                raise refuse(f"{quoted(finder.names[shared.pop()])} is the target and cannot be an input", "/inputs")
    else:
        rest = tuple(at for at in range(len(finder.names)) if at not in target.columns)
        unnamed = [at for at in rest if not finder.names[at]]
        if unnamed:
            raise refuse(
                f"{finder.file}: column {unnamed[0] + 1} has no name; it may be an index: remove it, or select the "
                "input columns, as in inputs=features:width,height"
            )
        if not rest:
            raise refuse(f"{finder.file} has no column besides the target to learn from")
        groups = (Group("image" if options.shape is not None and len(options.shape) == 3 else "features", rest),)
    if options.shape is not None:
        if len(groups) > 1:
            raise refuse(f"a shape is for one feature, but inputs= defines {len(groups)}", "/shape")
        if prod(options.shape) != len(groups[0].columns):
            taken = " besides column 1, which is the assumed target" if assumed else " besides the target"
            raise refuse(
                f"the shape {list(options.shape)} has {prod(options.shape)} values, and {finder.file} has "
                f"{len(groups[0].columns)} columns for it{taken}",
                "/shape",
            )
    return groups
