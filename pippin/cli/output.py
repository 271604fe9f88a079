"""Prints the output of commands: text or one JSON document on stdout, errors on stderr, colours only on a terminal."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from pippin.cli import figures
from pippin.cli.tables import Column, Row, lines, wrapped
from pippin.system.terminal import printable, printable_json, printable_lines

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]

_PIPE_WIDTH = 10_000  # a pipe has no limit
_MIN_WIDTH = 20  # cells; in a narrower column, text is not wrapped
_MAX_REASONS = 20  # lines of an error's reasons


def stdout() -> Console:
    """The console of the current stdout; text, such as a file name, is never interpreted as markup."""
    return _console(stderr=False)


def stderr() -> Console:
    """The console of the current stderr."""
    return _console(stderr=True)


class _SafeConsole(Console):
    """A console that never writes text as a control sequence of the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of `renderable`, with text escaped; rich's own control segments are kept as they are."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else printable_lines(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)

    def on_broken_pipe(self) -> None:
        """Write no more to a stderr whose pipe is closed; rich would exit. `Stdout` handles this error for stdout."""
        self.quiet = True


def _console(*, stderr: bool) -> Console:
    console = _SafeConsole(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def print_text(text: str, style: str = "") -> None:
    """Print one line of text on stdout."""
    stdout().print(printable(text), style=style or None, soft_wrap=True)


def print_json(document: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - any JSON value
    """Print one JSON document on stdout; without `indent`, on one line, for streams of documents."""
    typer.echo(printable_json(json.dumps(document, indent=indent, ensure_ascii=False)))


def error(what: str, why: Sequence[str] = (), now: str = "") -> None:
    """Print on stderr what failed, why, and what to do. If stderr cannot be written, only the exit code reports it."""
    console = stderr()
    more = [f"and {len(why) - _MAX_REASONS:,} more"] if len(why) > _MAX_REASONS else []
    with suppress(OSError):
        console.print(Text("Error: ", style="bold red") + Text(printable(what)), soft_wrap=True)
        for line in [*why[:_MAX_REASONS], *more]:
            console.print(f"  {printable(line)}", soft_wrap=True)
        if now:
            console.print(printable(now), soft_wrap=True)


def table(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Print a table on stdout, fitted to a terminal's width, complete in a pipe."""
    console = stdout()
    for line in lines(columns, rows, console.width if console.is_terminal else None):
        console.print(line, soft_wrap=True)


def field(name: str, value: str, width: int = 12) -> None:
    """Print a named value; on a terminal, further lines are aligned below the first."""
    console = stdout()
    value_width = console.width - width - 2
    text = printable(value)
    parts = wrapped(text, value_width) if console.is_terminal and value_width > _MIN_WIDTH else [text]
    for number, part in enumerate(parts):
        console.print(f"  {'' if number else name:<{width}}{part}", soft_wrap=True)


def status_text(status: str) -> Text:
    """A job's status in its colour."""
    return Text(
        status, style={"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}.get(status, "")
    )


def print_download(path: Path, *, json_: bool) -> None:
    """Print the path and the size of a written file."""
    size = path.stat().st_size
    if json_:
        print_json({"path": str(path), "bytes": size})
    else:
        print_text(f"{path} ({figures.size(size)})")
