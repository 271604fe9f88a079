"""What the commands print: words or one JSON document on stdout, errors on stderr, colours only on a terminal."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from pippin.terminal import printable, printable_json, printable_lines

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]

_PIPE_WIDTH = 10_000  # a pipe has no edge: lines are cut or wrapped by whoever reads them


def stdout() -> Console:
    """The console of stdout as it is now: what names a file is never read as markup."""
    return _console(stderr=False)


def stderr() -> Console:
    """The console of stderr as it is now."""
    return _console(stderr=True)


class _SafeConsole(Console):
    """A console on which no text, whatever it is part of, is read as a terminal's control sequence."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of `renderable`; rich's own controls, such as colours and cursor movements, are kept apart."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else printable_lines(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)


def _console(*, stderr: bool) -> Console:
    console = _SafeConsole(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def say(text: str, style: str = "") -> None:
    """One line for people on stdout."""
    stdout().print(printable(text), style=style or None, soft_wrap=True)


def print_json(document: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - any JSON value
    """One JSON document on stdout; without `indent` on one line, for streams of them."""
    typer.echo(printable_json(json.dumps(document, indent=indent, ensure_ascii=False)))


def error(what: str, why: Sequence[str] = (), now: str = "") -> None:
    """Says on stderr what went wrong, why, and what to do now."""
    console = stderr()
    console.print(Text("Error: ", style="bold red") + Text(printable(what)), soft_wrap=True)
    for line in why:
        console.print(f"  {printable(line)}", soft_wrap=True)
    if now:
        console.print(printable(now), soft_wrap=True)


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, right: Iterable[str] = ()) -> None:
    """A table on stdout.

    Args:
        headings: One for each column.
        rows: The cells, column by column.
        right: The headings of the columns whose cells are numbers.
    """
    numbers = set(right)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        justify = "right" if heading in numbers else "left"
        shown.add_column(printable(heading), justify=justify, no_wrap=not stdout().is_terminal)  # type: ignore[arg-type] # a Literal
    for row in rows:
        shown.add_row(*map(cell, row))
    stdout().print(shown)


def cell(content: str | Text) -> str | Text:
    """A table's cell, whose content is one line."""
    if isinstance(content, str):
        return printable(content)
    text = printable(content.plain)
    if text == content.plain:
        return content
    return Text(text, style=content.style, no_wrap=content.no_wrap, overflow=content.overflow)


def figure(value: float | None, pattern: str = ".4f") -> str:
    """A number for a table; a dash where there is none."""
    return "-" if value is None else format(value, pattern)


def status_text(status: str) -> Text:
    """A state in its colour."""
    return Text(
        status, style={"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}.get(status, "")
    )


def ago(moment: datetime | None) -> str:
    """How long ago something was, in its largest unit."""
    if moment is None:
        return "-"
    seconds = max(0, round((datetime.now(UTC) - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def clock(seconds: int) -> str:
    """A length of time as minutes and seconds, or hours, minutes and seconds."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def tell_download(path: Path, *, json_: bool) -> None:
    """Where a download is, and how large."""
    size = path.stat().st_size
    if json_:
        print_json({"path": str(path), "bytes": size})
    else:
        say(f"{path} ({size:,} bytes)")


def shape_text(shape: Iterable[int]) -> str:
    """A shape as people write it."""
    return "×".join(map(str, shape))  # noqa: RUF001 - that sign is meant
