"""Recognises numbers, and numbers in other notations, in the cells of a CSV, and collects the faults of a table."""

import re
from dataclasses import dataclass
from enum import Enum

from pippin.datasets.errors import SHOWN, DatasetError, quoted
from pippin.errors import Fault

_CURRENCY = "$€£¥₹₽₩₺₪₫฿"
_SPACES = " \u00a0\u2009\u202f"
_GROUPED = (
    r"\d{1,3}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,}"
    rf"|(?:['\u2019{_SPACES}]\d{{3}})+(?:[.,]\d+)?)"
)
_PLAIN = r"\d+(?:[.]\d+)?"
_ANY = rf"(?:{_GROUPED}|\d+,\d+|{_PLAIN})"
_SIGN = "[+\u2212-]?"
UNDERSCORES = "numbers with underscores"
SEVERAL = "several numbers separated by spaces"
_FORMS = tuple(
    (re.compile(form), name)
    for form, name in (
        (rf"{_SIGN}{_GROUPED}", "numbers with a thousands separator"),
        (rf"{_SIGN}\d+,\d+", "numbers with a decimal comma"),
        (
            rf"{_SIGN}[{_CURRENCY}][{_SPACES}]?{_SIGN}{_ANY}|{_SIGN}{_ANY}[{_SPACES}]?[{_CURRENCY}]",
            "amounts with a currency sign",
        ),
        (rf"{_SIGN}{_ANY}[{_SPACES}]?%", "numbers with a percent sign"),
        (rf"\((?:[{_CURRENCY}][{_SPACES}]?)?{_ANY}\)", "negative numbers in parentheses"),
        (rf"\u2212{_ANY}", "numbers with a typographic minus sign"),
        (r"[+-]?\d+(?:_\d+)+(?:\.\d+)?", UNDERSCORES),
        (rf"{_PLAIN}(?: +{_PLAIN})+", SEVERAL),
    )
)
_MAX_CHARACTERS = 60
_DIGIT = re.compile(r"\d")


def number(text: str) -> float | None:
    """The number in a cell; None for any other text. Underscores, which `float` accepts, are not allowed."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def number_form(text: str) -> str | None:
    """The notation of a number that is not plain, such as "numbers with a thousands separator"; None for other text."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS or not _DIGIT.search(text):
        return None
    return next((name for form, name in _FORMS if form.fullmatch(text)), None)


def number_advice(form: str) -> str:
    """The advice for cells in a notation that `number_form` names."""
    return "put each number into its own column" if form == SEVERAL else "write the numbers plainly, as 1234.5"


def is_like_number(text: str) -> bool:
    """Whether a cell is a number in any notation."""
    return number(text) is not None or number_form(text) is not None


_MAX_COLUMNS = 5  # up to this many columns with one kind of fault get a sentence each; more share one sentence
_MAX_FAULTS = 100_000


_ONE_KIND = "a target is all numbers or all text"


class Kind(Enum):
    """A kind of fault of a cell or a row: the text for one fault, the text for several faults, and the advice.

    `{value}` is the cell, quoted, or the number of cells of a row.
    """

    NOT_A_NUMBER = (
        ": {value} is not a number",
        "are not numbers",
        "a feature consists of numbers: exclude a column of text with inputs=, or encode it",
    )
    EMPTY = (": the cell is empty", "are empty", "fill the cells or remove the rows")
    NOT_FINITE = (
        ": {value} is not a finite number, or too large for a 32-bit float",
        "are not finite numbers, or too large for 32-bit floats",
        "replace the numbers, or remove the rows",
    )
    COLLAPSES = (
        ": the whole number {value} would equal its neighbours as a 32-bit float",
        "are whole numbers that would equal their neighbours as 32-bit floats",
        (
            "above 16,777,216, 32-bit floats cannot represent every whole number: exclude a column of ids, else "
            "subtract an offset"
        ),
    )
    TARGET_COLLAPSES = (
        COLLAPSES[0],
        COLLAPSES[1],
        (
            "above 16,777,216, 32-bit floats cannot represent every whole number: subtract an offset, or make them "
            "class names with a letter"
        ),
    )
    NO_TARGET = (" is empty", "are empty", "fill the cells or remove the rows, since every example needs a target")
    NOT_TEXT = (
        ": {value} is a number, but earlier rows have text",
        "are numbers, but others are text",
        _ONE_KIND,
    )
    NOT_NUMERIC = (
        ": {value} is not a number, but earlier rows have numbers",
        "are not numbers, but others are",
        _ONE_KIND,
    )
    TARGET_NOT_FINITE = (": {value} is not a finite number", "are not finite numbers", "remove the rows")
    COMMENT = (" begins with '#', like a comment", "begin with '#', like comments", "remove comments")
    RAGGED = (
        " has {value} as the first row has",
        "have more or fewer cells than the first row",
        "quote cells that contain the delimiter",
    )


@dataclass
class _Group:
    count: int
    row: int
    value: str
    form: str | None


class TableFaults:
    """Collects the faults of one file while it is read: one sentence for each column and kind, with a count.

    Args:
        file: The name of the file.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._groups: dict[tuple[Kind, str], _Group] = {}
        self._count = 0
        self.rows = 0

    @property
    def is_full(self) -> bool:
        """Whether the limit on counted faults is reached, where the caller stops reading the file."""
        return self._count >= _MAX_FAULTS

    def add(self, kind: Kind, row: int, column: str, value: str) -> None:
        """Add a fault.

        Args:
            kind: The kind of fault.
            row: The line that the row begins on, from 1.
            column: The column as messages name it; "" for a fault of the whole row.
            value: The content of the cell.
        """
        self._count += 1
        group = self._groups.get((kind, column))
        if group is None:
            self._groups[kind, column] = _Group(1, row, value, number_form(value))
        else:
            group.count += 1

    def sentences(self) -> list[str]:
        """A sentence for each column and kind of fault, in the order of their first cells."""
        kinds: dict[Kind, dict[str, _Group]] = {}
        for (kind, column), group in self._groups.items():
            kinds.setdefault(kind, {})[column] = group
        sentences: list[str] = []
        for kind, columns in kinds.items():
            if len(columns) > _MAX_COLUMNS:
                sentences.append(self._of_columns(kind, columns))
            else:
                sentences += [self._of_column(kind, column, group) for column, group in columns.items()]
        return sentences

    def _of_column(self, kind: Kind, column: str, group: _Group) -> str:
        one, many, _ = kind.value
        if group.count == 1:
            at = f", {column}" if column else ""
            shown = quoted(group.value) if column else group.value
            return f"{self._file} row {group.row}{at}{one.format(value=shown)}{_advice(kind, group)}"
        at = f", {column}" if column else ""
        rows = f"{group.count:,} of {self._seen()} rows"
        return f"{self._file}{at}: {rows} {many}, first row {group.row}{_example(kind, group)}{_advice(kind, group)}"

    def _of_columns(self, kind: Kind, columns: dict[str, _Group]) -> str:
        column, group = min(columns.items(), key=lambda item: item[1].row)
        cells = sum(each.count for each in columns.values())
        return (
            f"{self._file}: {cells:,} cells in {len(columns):,} columns {kind.value[1]}, first row {group.row}, "
            f"{column}{_example(kind, group)}{_advice(kind, group)}"
        )

    def _seen(self) -> str:
        return f"the first {self.rows:,}" if self.is_full else f"{self.rows:,}"


def _example(kind: Kind, group: _Group) -> str:
    if kind is Kind.RAGGED:
        return f" with {group.value}"
    return f": {quoted(group.value)}" if group.value.strip() else ""


def _advice(kind: Kind, group: _Group) -> str:
    return f"; it looks like {group.form}: {number_advice(group.form)}" if group.form else f"; {kind.value[2]}"


def raise_any(tables: list[TableFaults], others: list[str] | None = None) -> None:
    """Raise the faults of an upload, if there are any.

    Args:
        tables: The faults of each file.
        others: Sentences about the whole upload.

    Raises:
        DatasetError: There is at least one fault.
    """
    sentences = [*(others or []), *(sentence for table in tables for sentence in table.sentences())]
    if not sentences:
        return
    shown = sentences if len(sentences) <= SHOWN else sentences[: SHOWN - 1]
    if len(shown) < len(sentences):
        shown.append(f"and faults of {len(sentences) - len(shown):,} more columns or kinds")
    raise DatasetError(Fault("", sentence) for sentence in shown)
