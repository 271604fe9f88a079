"""Formats tables: one line per record. Ids are never cut; columns that do not fit are dropped in a set order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from pippin.system.terminal import printable

_GAP = 2
_INDENT = "  "


Kind = Literal["id", "text", "number", "name", "prose"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: The column's heading.
        kind: `id`, `text` and `number` are never cut; `number` is right-aligned; `name` may be shortened to a few
            characters and an ellipsis; `prose` is wrapped, and must be the last column.
        drop: The order in which columns are dropped on a terminal that is too narrow: the highest first, 0 never.
        min_width: The minimum width of a column of names or prose, in cells, unless its heading is wider.
    """

    heading: str
    kind: Kind = "text"
    drop: int = 0
    min_width: int = 8


Cell = str | Text
Row = Sequence[Cell]


def lines(columns: Sequence[Column], rows: Iterable[Row], width: int | None) -> list[Text]:
    """The lines of a table.

    Args:
        columns: One for each cell of a row.
        rows: The cells.
        width: The width of the terminal in cells; None for an unlimited width, as in a pipe: nothing is dropped or cut.

    Returns:
        The headings, and one line per row. If the columns that cannot be dropped are wider than the terminal: the first
        cell of each row on a line of its own, and the other cells, each after its heading, on the lines below.
    """
    columns = [replace(column, heading=printable(column.heading)) for column in columns]
    cells = [[_one_line(cell) for cell in row] for row in rows]
    kept = list(range(len(columns)))
    widths = _widths(columns, cells)
    if width is not None:
        min_widths = [_min_width(column, natural) for column, natural in zip(columns, widths, strict=True)]
        while _total_width(kept, min_widths) > width and any(columns[index].drop for index in kept):
            kept.remove(max(kept, key=lambda index: columns[index].drop))
        if _total_width(kept, min_widths) > width:
            return _stacked(columns, cells, width)
        _shrink(kept, widths, min_widths, width)
    shown = [_SizedColumn(columns[index], widths[index]) for index in kept]
    heads = [[Text(column.heading, style="bold") for column in columns], *cells]
    return [line for row in heads for line in _row(shown, [row[index] for index in kept])]


def fits(columns: Sequence[Column], rows: Iterable[Row], width: int | None) -> bool:
    """Whether a table fits without dropping a column; arguments as for `lines`."""
    widths = _widths(columns, [[_one_line(cell) for cell in row] for row in rows])
    min_widths = [_min_width(column, natural) for column, natural in zip(columns, widths, strict=True)]
    return width is None or _total_width(range(len(columns)), min_widths) <= width


def shortened(text: str, width: int) -> str:
    """`text`; if it is wider than `width` cells of a terminal, its beginning and an ellipsis."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells; a longer word has a line of its own."""
    parts = [""]
    for word in text.split():
        longer = f"{parts[-1]} {word}" if parts[-1] else word
        if parts[-1] and cell_len(longer) > width:
            parts.append(word)
        else:
            parts[-1] = longer
    return parts


@dataclass(frozen=True)
class _SizedColumn:
    column: Column
    width: int

    def lines(self, cell: Text) -> list[Text]:
        """The lines of a cell at this width: one line, or several lines of prose."""
        if self.column.kind == "prose":
            return [Text(part, cell.style) for part in wrapped(cell.plain, self.width)]
        text = shortened(cell.plain, self.width)
        return [cell if text == cell.plain else Text(text, cell.style)]


def _row(shown: Sequence[_SizedColumn], cells: Sequence[Text]) -> list[Text]:
    parts = [sized.lines(cell) for sized, cell in zip(shown, cells, strict=True)]
    texts = []
    for number in range(max(map(len, parts))):
        line = Text()
        for sized, part in zip(shown, parts, strict=True):
            content = part[number] if number < len(part) else Text("")
            padding = " " * (sized.width - cell_len(content.plain))
            line.append(" " * (_GAP if line or sized is not shown[0] else 0))
            line.append_text(Text(padding) + content if sized.column.kind == "number" else content + Text(padding))
        line.rstrip()
        texts.append(line)
    return texts


def _stacked(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> list[Text]:
    stacked = []
    for row in rows:
        first = row[0]
        stacked.append(Text(shortened(first.plain, width), first.style) if columns[0].kind == "name" else first)
        rest = [
            f"{column.heading.lower()} {cell.plain}" if column.heading else cell.plain
            for column, cell in zip(columns[1:], row[1:], strict=True)
            if cell.plain not in {"", "-"}
        ]
        stacked += [Text(_INDENT + line) for line in wrapped(", ".join(rest), width - len(_INDENT))]
    return stacked


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[Text]]) -> list[int]:
    """The width of each column without cuts, in cells of a terminal."""
    return [
        max([cell_len(column.heading), *(cell_len(row[index].plain) for row in cells)])
        for index, column in enumerate(columns)
    ]


def _min_width(column: Column, natural: int) -> int:
    if column.kind in {"name", "prose"}:
        return min(natural, max(column.min_width, cell_len(column.heading)))
    return natural


def _total_width(kept: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[index] for index in kept) + _GAP * (len(kept) - 1)


def _shrink(kept: Sequence[int], widths: list[int], min_widths: Sequence[int], width: int) -> None:
    """Narrow the widest column that may be shortened, until the table fits."""
    while (excess := _total_width(kept, widths) - width) > 0:
        widest = max((index for index in kept if widths[index] > min_widths[index]), key=lambda index: widths[index])
        others = [widths[index] for index in kept if index != widest and widths[index] > min_widths[index]]
        floor = max([min_widths[widest], *(each for each in others if each < widths[widest])])
        widths[widest] = max(floor, widths[widest] - excess) if floor < widths[widest] else widths[widest] - 1


def _one_line(cell: Cell) -> Text:
    if isinstance(cell, str):
        return Text(printable(cell))
    text = printable(cell.plain)
    return cell if text == cell.plain else Text(text, style=cell.style)
