"""The layout of tables for the width of a terminal."""

from rich.cells import cell_len
from rich.text import Text

from pippin.cli.tables import Cell, Column, lines, shortened

_ID = "job_01m8q4s0nbnh81v1ta1jctfd0j"
_COLUMNS = [
    Column("ID", "id"),
    Column("NAME", "name"),
    Column("STATUS"),
    Column("LOSS", "number", drop=1),
    Column("CREATED", drop=2),
]
_NAMES = [
    "a job with quite a long name that once wrapped to several lines",
    "東京都の夜景データセット東京都の夜景データセット",
    "🍎🍏 apples 🍎🍏 apples 🍎🍏 apples",
    "e\u0301" * 40,
    "short",
]
_ROWS: list[list[Cell]] = [[_ID, name, Text("cancelling", style="red"), "0.4226", "12 min ago"] for name in _NAMES]


def _shown(width: int | None) -> list[str]:
    return [line.plain for line in lines(_COLUMNS, _ROWS, width)]


def test_at_80_columns_a_record_takes_one_line_with_its_whole_id() -> None:
    shown = _shown(80)
    assert len(shown) == 1 + len(_ROWS)
    assert all(cell_len(line) <= 80 for line in shown)
    assert all(_ID in line for line in shown[1:])
    assert [line.split()[0] for line in shown] == ["ID", *[_ID] * 5]
    assert all("…" in line for line in shown[1:-1])


def test_columns_are_aligned_with_wide_characters() -> None:
    assert len({cell_len(line.partition("cancelling")[0]) for line in _shown(80)[1:]}) == 1


def test_columns_are_dropped_in_order_on_narrow_terminals() -> None:
    assert _shown(80)[0].split() == ["ID", "NAME", "STATUS", "LOSS", "CREATED"]
    assert _shown(68)[0].split() == ["ID", "NAME", "STATUS", "LOSS"]
    assert _shown(56)[0].split() == ["ID", "NAME", "STATUS"]


def test_cells_are_listed_below_the_id_on_very_narrow_terminals() -> None:
    shown = _shown(40)
    assert shown.count(_ID) == len(_ROWS)
    assert shown[-2:] == [_ID, "  name short, status cancelling, loss"] or shown[-3] == _ID
    assert all(cell_len(line) <= 40 or " " not in line.strip() for line in shown)


def test_in_a_pipe_nothing_is_cut_and_a_record_takes_one_line() -> None:
    shown = _shown(None)
    assert len(shown) == 1 + len(_ROWS)
    assert all(name in line for name, line in zip(_NAMES, shown[1:], strict=True))


def test_prose_is_wrapped_within_its_column() -> None:
    columns = [Column("CHECK"), Column("FOUND", "prose")]
    shown = [line.plain for line in lines(columns, [["disk", "there is some room left for this"]], 24)]
    assert shown == ["CHECK  FOUND", "disk   there is some", "       room left for", "       this"]


def test_cell_has_no_newline_and_no_control_sequence() -> None:
    (_, line) = lines([Column("NAME", "name")], [["a\nb\x1b]0;title\x07"]], 80)
    assert "\n" not in line.plain
    assert "\x1b" not in line.plain


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert shortened("東京都", 6) == "東京都"
    assert shortened("東京都", 5) == "東京…"
    assert shortened("東京都", 4) == "東…"
