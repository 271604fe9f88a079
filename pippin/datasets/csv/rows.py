"""The rows of a CSV (RFC 4180) with their line numbers, in the dialect of its first lines, read in bounded memory."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pippin.datasets.csv.text import Lines
from pippin.datasets.errors import refuse, too_large
from pippin.datasets.sources import Source

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
"""The delimiters. Where several fit equally well, the first one is used."""

_QUOTED = re.compile(r'(?m)(^|[,;\t|])[ ]?"(?:[^"]|"")*+"')
_ANY_QUOTED = re.compile(r'"[^"]*"')
_JSON = re.compile(r'\s*(?:(?:[\[{]\s*)+$|\[?\s*\{\s*"|\[.*\],?\s*$)')
_COMMENT = re.compile(r"\s*(?:#|%|//)")
_EXCEL = re.compile(r"sep=([,;\t|])\s*$")
_NUMBER = re.compile(r"\s*[+-]?\d+(?:[.]\d+)?\s*")
_NUMBER_WITH_COMMA = re.compile(r"\s*[+-]?\d+(?:[.,]\d+)?\s*")
_CELLS = 100  # cells of a line that are examined


@dataclass(frozen=True)
class Dialect:
    """The format of the rows.

    Attributes:
        delimiter: The character between cells.
        is_declared: Whether the first line only declares the delimiter, as in files from Excel: `sep=;`.
    """

    delimiter: str
    is_declared: bool = False


def dialect(name: str, lines: list[str]) -> Dialect:
    """The dialect of a file that begins with these lines.

    The delimiter is the character whose count outside quotes equals the count in the first line for the most lines.
    Ties are decided by the most numbers between delimiters, then by the fewest other cells.

    Args:
        name: The name of the file, for messages.
        lines: The first lines, with their ends.

    Raises:
        DatasetError: The file is JSON or Markdown, begins with a comment, or separates its cells by spaces.
    """
    begin = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    if begin == len(lines):
        return Dialect(",")
    if declared := _EXCEL.match(lines[begin]):
        return Dialect(declared[1], is_declared=True)
    if _JSON.match(lines[begin]):
        raise refuse(f"{name} row {begin + 1} is JSON, not a table; send CSV: a header, then one row per example")
    is_comment = bool(_COMMENT.match(lines[begin]))
    text = "".join(lines[begin:])
    outside = [line for line in re.split(r"[\r\n]+", _QUOTED.sub(r"\1quoted", text)) if line.strip()]
    rows = [line for line in outside if not _COMMENT.match(line)] if is_comment else outside
    delimiter = _best_delimiter(rows or outside)
    # `numpy.savetxt` writes its header after a "#".
    if is_comment and rows and (delimiter is None or outside[0].count(delimiter) != rows[0].count(delimiter)):
        mark = lines[begin].split()[0][:2]
        raise refuse(f"{name} row {begin + 1} begins with {mark!r}, like a comment; remove comments from the table")
    if delimiter == "|" and len(outside) > 1 and not outside[1].strip("-:| "):
        raise refuse(f"{name} is a Markdown table: row {begin + 2} has only dashes; send CSV, separated by commas")
    widths = {len(_ANY_QUOTED.sub("quoted", line).split()) for line in outside}
    if delimiter is None and len(widths) == 1 and widths != {1}:
        raise refuse(
            f"{name} row {begin + 1} has no comma, semicolon, tab or pipe, and its cells seem to be separated by "
            "spaces; separate them by commas"
        )
    return Dialect(delimiter or ",")


def _best_delimiter(lines: list[str]) -> str | None:
    present = [mark for mark in DELIMITERS if mark in lines[0]]
    if not present:
        return None

    def agreeing_lines(mark: str) -> int:
        return sum(line.count(mark) == lines[0].count(mark) for line in lines)

    def numbers_and_others(mark: str) -> tuple[int, int]:
        number = _NUMBER if mark == "," else _NUMBER_WITH_COMMA
        cells = [cell for line in lines for cell in line.split(mark, _CELLS)[:_CELLS]]
        count = sum(bool(number.fullmatch(cell)) for cell in cells)
        # In "1,5;2,5", commas also give two numbers, but the cell "5;2" too.
        return count, count - len(cells)

    return max(present, key=lambda mark: (agreeing_lines(mark), *numbers_and_others(mark)))


_SAMPLE_ROWS = 20
_SAMPLE_CELLS = 200_000
_MAX_BLANK = 1_000_000  # blank lines, to which the limit on examples does not apply
# Part of a message of the csv module -> the meaning of the message.
_MALFORMED = (
    ("field larger", f'a cell is longer than {csv.field_size_limit():,} characters; is a quote (") not closed?'),
    ("unexpected end", 'a quoted cell is not closed before the file ends; end it with a quote (")'),
    ("expected after", 'a quoted cell continues after its closing quote; double a quote (") that is part of a cell'),
)

Row = tuple[int, list[str], bool]
"""The line that a row begins on, from 1; the cells; and whether the row has an underscore, as in `1_000`, which
Python's `float` accepts."""


class Rows(Iterator[Row]):
    """Iterates over the rows that are not blank.

    Raises:
        DatasetError: A row is not UTF-8, or its quotes are malformed; the message has the row.
        DatasetTooLargeError: A row is longer than 8 MiB, or there are more than a million blank lines.
    """

    def __init__(self, lines: Lines, name: str) -> None:
        self.name = name
        self._lines = lines
        self._blank = 0
        file_dialect = dialect(name, lines.ahead())
        self.delimiter = file_dialect.delimiter
        if file_dialect.is_declared:
            next(lines)
        self._reader = csv.reader(lines, delimiter=file_dialect.delimiter, skipinitialspace=True, strict=True)

    def __next__(self) -> Row:
        lines = self._lines
        while True:
            begin = lines.number + 1
            lines.row_characters = 0
            lines.underscore = False
            try:
                cells = next(self._reader)
            except csv.Error as error:
                message = str(error)
                meaning = next((text for part, text in _MALFORMED if part in message), "its quotes are malformed")
                raise refuse(f"{self.name} row {begin}: {meaning}") from None
            if cells:
                return begin, cells, lines.underscore
            self._blank += 1
            if self._blank > _MAX_BLANK:
                raise too_large(f"{self.name} row {begin} is one blank line more than the {_MAX_BLANK:,} allowed")

    def sample(self) -> list[Row]:
        """Read the first rows: up to 20; fewer, but at least two, where the rows are wide."""
        rows: list[Row] = []
        for row in self:
            rows.append(row)
            if len(rows) >= _SAMPLE_ROWS or (len(rows) > 1 and len(rows) * len(row[1]) > _SAMPLE_CELLS):
                break
        return rows

    def notices(self) -> Iterator[str]:
        """Notices about how the file was read."""
        yield from self._lines.notices()
        if self.delimiter == "|":
            yield f"{self.name} was read with {DELIMITERS[self.delimiter]} between its cells"


@contextmanager
def open_rows(source: Source) -> Iterator[Rows]:
    """Open the rows of a file, in the dialect of its first lines.

    Raises:
        DatasetError: The file is not a table.
    """
    with source.open() as file:
        yield Rows(Lines(file, source.name), source.name)
