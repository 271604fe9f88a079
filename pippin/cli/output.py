"""What the commands print: words or one JSON document on stdout, errors on stderr, colours only on a terminal."""

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

_PIPE_WIDTH = 10_000  # a pipe has no edge
_MIN_WIDTH = 20  # cells in which text is still worth breaking into lines
_MAX_LINES = 20  # of what is wrong


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

    def on_broken_pipe(self) -> None:
        """Says no more on a stderr whose reader has gone; rich would end the program. Stdout never comes here."""
        self.quiet = True


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
    """Says on stderr what went wrong, why, and what to do. Where it cannot be written, the exit code remains."""
    console = stderr()
    more = [f"and {len(why) - _MAX_LINES:,} more"] if len(why) > _MAX_LINES else []
    with suppress(OSError):
        console.print(Text("Error: ", style="bold red") + Text(printable(what)), soft_wrap=True)
        for line in [*why[:_MAX_LINES], *more]:
            console.print(f"  {printable(line)}", soft_wrap=True)
        if now:
            console.print(printable(now), soft_wrap=True)


def table(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """A table on stdout, fitted to a terminal, whole in a pipe."""
    console = stdout()
    for line in lines(columns, rows, console.width if console.is_terminal else None):
        console.print(line, soft_wrap=True)


def field(name: str, value: str, width: int = 12) -> None:
    """A named value, whose further lines stand below its first on a terminal."""
    console = stdout()
    room = console.width - width - 2
    text = printable(value)
    parts = wrapped(text, room) if console.is_terminal and room > _MIN_WIDTH else [text]
    for number, part in enumerate(parts):
        console.print(f"  {'' if number else name:<{width}}{part}", soft_wrap=True)


def status_text(status: str) -> Text:
    """A state in its colour."""
    return Text(
        status, style={"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}.get(status, "")
    )


def tell_download(path: Path, *, json_: bool) -> None:
    """Where a download is, and how large."""
    size = path.stat().st_size
    if json_:
        print_json({"path": str(path), "bytes": size})
    else:
        say(f"{path} ({figures.size(size)})")
