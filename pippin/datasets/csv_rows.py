"""The rows of a CSV (RFC 4180), with the line that each begins on, in bounded memory."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager

from pippin.datasets.csv_dialect import DELIMITERS, dialect
from pippin.datasets.csv_text import Lines
from pippin.datasets.errors import refuse, too_large
from pippin.datasets.sources import Source

_SAMPLE_ROWS = 20
_SAMPLE_CELLS = 200_000
_MAX_BLANK = 1_000_000  # lines, which are no examples and would escape the limit of these
# What the csv module says, and what it means.
_MALFORMED = (
    ("field larger", f'a cell is longer than {csv.field_size_limit():,} characters; is a quote (") not closed?'),
    ("unexpected end", 'a quoted cell is not closed before the file ends; end it with a quote (")'),
    ("expected after", 'a quoted cell goes on behind its closing quote; double a quote (") that is part of a cell'),
)

Row = tuple[int, list[str], bool]
"""The line that a row begins on, from 1; its cells; and whether an underscore is in it, as in `1_000`, which Python's
`float` takes for a number."""


class Rows(Iterator[Row]):
    """Each row that is not blank.

    Raises:
        DatasetError: A row is not UTF-8, or its quotes are malformed; the row is named.
        DatasetTooLargeError: A row is longer than 8 MiB, or there are more than a million blank lines.
    """

    def __init__(self, lines: Lines, name: str) -> None:
        self.name = name
        self._lines = lines
        self._blank = 0
        form = dialect(name, lines.ahead())
        self.delimiter = form.delimiter
        if form.is_declared:
            next(lines)
        self._reader = csv.reader(lines, delimiter=form.delimiter, skipinitialspace=True, strict=True)

    def __next__(self) -> Row:
        lines = self._lines
        while True:
            begin = lines.number + 1
            lines.row_characters = 0
            lines.underscore = False
            try:
                cells = next(self._reader)
            except csv.Error as error:
                said = str(error)
                meant = next((meant for part, meant in _MALFORMED if part in said), "its quotes are malformed")
                raise refuse(f"{self.name} row {begin}: {meant}") from None
            if cells:
                return begin, cells, lines.underscore
            self._blank += 1
            if self._blank > _MAX_BLANK:
                raise too_large(f"{self.name} row {begin} is one blank line more than the {_MAX_BLANK:,} allowed")

    def sample(self) -> list[Row]:
        """The first rows, taken: up to 20, and at least two where they are wide."""
        rows: list[Row] = []
        for row in self:
            rows.append(row)
            if len(rows) >= _SAMPLE_ROWS or (len(rows) > 1 and len(rows) * len(row[1]) > _SAMPLE_CELLS):
                break
        return rows

    def notices(self) -> Iterator[str]:
        """What a person should know of how the file was read."""
        yield from self._lines.notices()
        if self.delimiter == "|":
            yield f"{self.name} was read with {DELIMITERS[self.delimiter]} between its cells"


@contextmanager
def open_rows(source: Source) -> Iterator[Rows]:
    """The rows of a file, in the dialect that its first lines show.

    Raises:
        DatasetError: It is no table.
    """
    with source.open() as file:
        yield Rows(Lines(file, source.name), source.name)
