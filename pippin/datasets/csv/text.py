"""The encoding and the lines of a CSV, read in bounded memory."""

import codecs
import io
import re
from collections import deque
from collections.abc import Iterator

from pippin.datasets.errors import DatasetError, quoted, refuse, too_large

_MAX_ROW_CHARACTERS = 8 * 2**20
_AHEAD_LINES = 20
_AHEAD_CHARACTERS = 256 * 1024
_SAMPLE_BYTES = 4096
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose byte order mark is the beginning of the mark of UTF-32.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_LINE_END = re.compile(rb"[\r\n]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_MIN_EMPTY_SHARE = 0.7  # share of UTF-16 code units whose upper byte is 0: digits, delimiters, line ends


def looks_like_text(begin: bytes) -> bool:
    """Whether a file that begins with these bytes may be a table: UTF-8, UTF-16, UTF-32 or a single-byte encoding.

    A table in a single-byte encoding is refused later, with the row and the byte.
    """
    encoding, bom = _encoding(begin)
    if encoding != "utf-8":
        return True
    text = begin[bom:]
    if b"\0" in text:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return bool(_LINE_END.search(text)) and not _CONTROLS.search(text)
    return bool(text)


def _encoding(begin: bytes) -> tuple[str, int]:
    """The encoding of a text that begins with these bytes, and the length of its byte order mark."""
    for bom, encoding in _BOMS:
        if begin.startswith(bom) and (encoding == "utf-8" or _decodes(begin[len(bom) :], encoding)):
            return encoding, len(bom)
    even, odd = begin[0::2], begin[1::2]
    for encoding, upper, lower in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        # Text has no NUL character, so a NUL in most of every second byte, and nowhere else, means UTF-16.
        if upper.count(0) > _MIN_EMPTY_SHARE * len(lower) and 0 not in lower and _decodes(begin, encoding):
            return encoding, 0
    return "utf-8", 0


def _decodes(begin: bytes, encoding: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(begin)
    except UnicodeDecodeError:
        return False
    return "\0" not in text


class Lines(Iterator[str]):
    r"""The lines of a file as text, each with its end: LF, CR LF or CR.

    Attributes:
        number: The number of the line last read, from 1.
        row_characters: The length of the current row so far. `Rows` resets it to 0.
        underscore: Whether the current row has an underscore, which Python accepts in numbers (`1_000`). `Rows` resets
            it to False.

    Args:
        file: The bytes of the file.
        name: The name of the file, for messages.
    """

    def __init__(self, file: io.BufferedReader, name: str) -> None:
        self._name = name
        self._encoding, bom = _encoding(file.peek(_SAMPLE_BYTES)[:_SAMPLE_BYTES])
        file.read(bom)
        # A lone surrogate, which UTF-8 cannot encode, replaces each byte that is not UTF-8; `__next__` reports its row.
        errors = "surrogateescape" if self._encoding == "utf-8" else "strict"
        self._text = io.TextIOWrapper(file, self._encoding, errors, newline="")
        self._ahead: deque[str] = deque()
        self.number = 0
        self.row_characters = 0
        self.underscore = False

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.row_characters += len(line)
        if self.row_characters > _MAX_ROW_CHARACTERS:
            raise too_large(f"{self._name} row {self.number} is longer than {_MAX_ROW_CHARACTERS:,} characters")
        if not line.isascii() and (undecoded := _UNDECODED.search(line)):
            raise _not_utf8(self._name, self.number, line, undecoded.start())
        self.underscore = self.underscore or "_" in line
        return line

    def ahead(self) -> list[str]:
        """The next lines, without consuming them: up to 20, fewer where the lines are long."""
        while len(self._ahead) < _AHEAD_LINES and sum(map(len, self._ahead)) < _AHEAD_CHARACTERS:
            line = self._read()
            if not line:
                break
            self._ahead.append(line)
        return list(self._ahead)

    def notices(self) -> Iterator[str]:
        """Notices about the lines read so far."""
        if self._encoding != "utf-8":
            yield f"{self._name} was read as {self._encoding.upper()[:6]}, as its first bytes show"
        if self._text.newlines == "\r":
            yield f"{self._name} has lines that end in CR, as on old Macs, and was read accordingly"

    def _read(self) -> str:
        try:
            return self._text.readline(_MAX_ROW_CHARACTERS + 1)
        except UnicodeDecodeError as error:
            raise refuse(
                f"{self._name} begins as {self._encoding.upper()[:6]} and is not valid {self._encoding.upper()[:6]} "
                f"after row {self.number + len(self._ahead)} ({error.reason}); save it as UTF-8"
            ) from None


def _not_utf8(name: str, row: int, line: str, at: int) -> DatasetError:
    """The error for a line with a byte that is not UTF-8. Shows the cell read as Windows-1252 or Latin-1."""
    byte = ord(line[at]) - 0xDC00
    western = _UNDECODED.sub(lambda match: bytes([ord(match[0]) - 0xDC00]).decode("cp1252", "replace"), line)
    begin = max(western.rfind(mark, 0, at) for mark in ',;\t|"') + 1
    cell = re.split(r'[,;\t|"\r\n]', western[begin:], maxsplit=1)[0]
    read = f" (as Windows-1252 or Latin-1 it would read {quoted(cell)})" if cell.isprintable() else ""
    return refuse(f"{name} row {row}: the byte 0x{byte:02X} is not UTF-8{read}; save the table as UTF-8")
