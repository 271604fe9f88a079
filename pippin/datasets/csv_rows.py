"""The rows of a CSV (RFC 4180), with the line that each begins on, in bounded memory."""

import csv
from collections.abc import Generator, Iterator
from typing import BinaryIO

from pippin.datasets.errors import refuse, too_large
from pippin.datasets.sources import Source

_LONGEST_ROW = 8 * 2**20
_DELIMITERS = ",;\t"
_BOM = b"\xef\xbb\xbf"


class _Lines(Iterator[str]):
    """The lines of a file as text. `number` is that of the line last read, from 1; `taken` the row's bytes so far."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self.number = 0
        self.taken = 0

    def __next__(self) -> str:
        line = self._file.readline(_LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken += len(line)
        if self.taken > _LONGEST_ROW:
            raise too_large(f"{self._name} row {self.number} is longer than {_LONGEST_ROW:,} bytes")
        if self.number == 1:
            line = line.removeprefix(_BOM)
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise refuse(
                f"{self._name} row {self.number}: the byte 0x{line[error.start]:02X} is not UTF-8; save it as UTF-8"
            ) from None


def rows(source: Source) -> Generator[tuple[int, list[str]]]:
    """Each row that is not blank: the line it begins on, from 1, and its cells.

    Cells are separated by the comma, or by the semicolon or tab where the first line has no comma.

    Raises:
        DatasetError: The text is not UTF-8, or a quote is never closed; the row is named.
        DatasetTooLargeError: A row is longer than 8 MiB.
    """
    with source.open() as file:
        lines = _Lines(file, source.name)
        first = next(lines, "")
        reader = csv.reader(_again(first, lines), delimiter=_delimiter(first), strict=True)
        begin = 1
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise refuse(f"{source.name} row {begin}: {error}") from None
            if cells is None:
                return
            if cells:
                yield begin, cells
            begin = lines.number + 1
            lines.taken = 0


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _delimiter(line: str) -> str:
    return next((mark for mark in _DELIMITERS if mark in line), ",")
