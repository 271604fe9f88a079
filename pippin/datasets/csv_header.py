"""Whether the first row of a CSV holds the names of its columns."""

import re
from collections.abc import Collection, Sequence

from pippin.datasets.csv_numbers import is_like_number, number
from pippin.datasets.errors import DatasetError, quoted, refuse
from pippin.datasets.names import composed

TARGET_NAMES = ("label", "target", "class", "y")
"""Names, in any case, of the column that is predicted where the upload does not say which."""

_CERTAIN = 4  # columns that a row must count before it is taken for a header without another sign
_RENAMED = re.compile(r"(.*\d)\.(\d{1,6})")
_MAX_DIGITS = 6


def is_target_name(name: str) -> bool:
    """Whether a column called so is the target where the upload names none."""
    return name.strip().lower() in TARGET_NAMES


def counts(cells: Sequence[str]) -> bool:
    """Whether a row counts its columns as pandas does: 0, 1, 2, … or 1, 2, 3, …, beside names or empty cells."""
    return _counted(cells, (0, 1))


def has_header(file: str, rows: list[list[str]], asked: Collection[str]) -> bool:
    """Whether the first row is a header, judged by the rows below.

    Names are no numbers, and examples are mostly numbers. A row with numbers where the rows below have numbers too is
    an example, unless it counts its columns or names the target.

    Args:
        file: Its name, for messages.
        rows: The first rows of the file; the first of them is judged.
        asked: Names of columns that the options use.

    Raises:
        DatasetError: It can be either.
    """
    first, below = rows[0], rows[1:]
    numeric = [is_like_number(cell) for cell in first]
    if not any(numeric) or any(
        composed(cell.strip()) in asked for cell, is_number in zip(first, numeric, strict=True) if not is_number
    ):
        return True
    if _is_renamed_by_pandas(first) and all(cell.strip().isdecimal() for row in below for cell in row[1:]):
        raise _doubt(file, "row 1 looks like an example that pandas took for a header (0, 0.1, 0.2, …)")
    named = any(is_target_name(cell) for cell in first)
    over_numbers = any(not numeric[at] and _is_numeric(below, at) for at in range(len(first)))
    if counts(first):
        like_others = any(_counted(row, None) for row in below)
        if named or over_numbers or (sum(numeric) >= _CERTAIN and below and not like_others):
            return True
        raise _doubt(file, f"row 1 ({_shown(first)}) counts its columns, as a header may, and may be an example")
    if over_numbers or named:
        if over_numbers and _counted(first, None):
            return True  # such as years
        raise _doubt(file, f"row 1 ({_shown(first)}) has names and numbers")
    if sum(numeric) > 2 and _counted(first, None) and below and not any(_counted(row, None) for row in below):
        raise _doubt(file, f"row 1 ({_shown(first)}) counts its columns, as a header may, and may be an example")
    return False


def _doubt(file: str, what: str) -> DatasetError:
    return refuse(
        f"{file}: {what}; say header=true if it names the columns, header=false if it is an example", "/header"
    )


def _counted(cells: Sequence[str], begins: tuple[int, ...] | None) -> bool:
    """Whether the numbers of a row are consecutive whole numbers, from one of `begins` where that is given."""
    numbers = [cell.strip() for cell in cells if is_like_number(cell)]
    if len(numbers) < 2 or not (numbers[0].isascii() and numbers[0].isdecimal() and len(numbers[0]) <= _MAX_DIGITS):
        return False
    begin = int(numbers[0])
    if begins is not None and begin not in begins:
        return False
    return all(text == str(begin + at) for at, text in enumerate(numbers))


def _is_numeric(rows: list[list[str]], at: int) -> bool:
    """Whether most of the rows have a number in a column."""
    return 2 * sum(at < len(row) and number(row[at]) is not None for row in rows) > len(rows)


def _is_renamed_by_pandas(first: list[str]) -> bool:
    """Whether equal cells were made different as pandas does: the second "0" is "0.1", the next one "0.2"."""
    seen: dict[str, int] = {}
    renamed = 0
    for cell in first:
        if (match := _RENAMED.fullmatch(cell)) and int(match[2]) == seen.get(match[1], 0) + 1 and match[1] in seen:
            seen[match[1]] += 1
            renamed += 1
        else:
            seen.setdefault(cell, 0)
    return renamed >= _CERTAIN - 1


def _shown(cells: list[str]) -> str:
    return ", ".join(quoted(cell, 20) for cell in cells[:4]) + (", …" if len(cells) > 4 else "")
