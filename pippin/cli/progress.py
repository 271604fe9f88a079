"""Shows a job on a terminal: one line per epoch, and below them a bar and sparklines of loss and accuracy."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pippin.cli import figures, output
from pippin.system.terminal import printable

if TYPE_CHECKING:
    from pippin.api.metrics import EpochMetrics

_MAX_BLOCKS = 40
_BLOCKS = "▁▂▃▄▅▆▇█"


class Bar:
    """The display below the lines of the epochs; redrawn several times a second to update the remaining time.

    Args:
        console: Prints the lines above the bar.
        sentence: Formats an epoch as one line.
    """

    def __init__(self, console: Console, sentence: "Callable[[EpochMetrics], str]") -> None:
        self._console = console
        self._sentence = sentence
        self._status = "waiting"
        self._epochs: list[EpochMetrics] = []
        self._expected_end = 0.0

    def state(self, status: str) -> None:
        """Set the job's status."""
        if status == "running" and self._epochs:
            # The job was paused, or its worker was lost, so the estimated end is out of date.
            self._estimate_end(self._epochs[-1])
        self._status = status

    def waiting(self, sentence: str) -> None:
        """Print what the job waits for."""
        self._console.print(printable(sentence), style="yellow", soft_wrap=True)

    def epoch(self, epoch: "EpochMetrics") -> None:
        """Add an epoch, and print it as a line."""
        self._epochs.append(epoch)
        self._estimate_end(epoch)
        self._console.print(self._sentence(epoch), soft_wrap=True)

    def _estimate_end(self, latest: "EpochMetrics") -> None:
        self._expected_end = time.monotonic() + (latest.epochs - latest.epoch) * latest.seconds

    def log(self, line: str) -> None:
        """Print a line of the worker's log."""
        self._console.print(printable(line), style="dim", soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._bar()
        if len(self._epochs) > 1:
            yield self._sparklines(options.max_width)

    def _bar(self) -> Table:
        latest = self._epochs[-1] if self._epochs else None
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True)
        total, completed = (latest.epochs, latest.epoch) if latest else (None, 0)
        done = ProgressBar(total, completed, complete_style="cyan", finished_style="green", pulse_style="cyan")
        line.add_row(output.status_text(self._status), done, self._figures(latest) if latest else "")
        return line

    def _figures(self, latest: "EpochMetrics") -> Text:
        share = latest.validation_accuracy
        accuracy = "" if share is None else f" accuracy {figures.percentage(share)}"
        text = Text(f"{latest.epoch:,}/{latest.epochs:,}", style="bold")
        text.append(f" loss {figures.loss(latest)}{accuracy} {latest.examples_per_second:,.0f}/s", style="not bold")
        if self._status == "running":
            seconds_left = max(0, round(self._expected_end - time.monotonic()))
            text.append(f" {figures.span(seconds_left)} left", style="not bold dim")
        return text

    def _sparklines(self, width: int) -> Text:
        """Sparklines of the loss and, if measured, the accuracy since the first epoch."""
        series = {
            "loss": ([epoch.loss for epoch in self._epochs], "cyan"),
            "accuracy": ([epoch.validation_accuracy for epoch in self._epochs], "green"),
        }
        shown = {name: course for name, course in series.items() if any(value is not None for value in course[0])}
        max_blocks = min(_MAX_BLOCKS, (width - 4) // max(1, len(shown)) - len("accuracy "))
        text = Text()
        for name, (values, style) in shown.items():
            text.append("   " if text else "").append(f"{name} ", style="dim")
            text.append(sparkline(values, max(1, max_blocks)), style=style)
        return text


@contextmanager
def shown_bar(sentence: "Callable[[EpochMetrics], str]") -> Iterator[Bar]:
    """Show a bar on stdout during the block; its last state remains on the terminal."""
    console = output.stdout()
    bar = Bar(console, sentence)
    with Live(bar, console=console, refresh_per_second=8):
        yield bar


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The values as block characters of eight heights, from the smallest to the greatest value; a space for None.

    Args:
        values: Oldest first.
        width: The maximum number of characters; if there are more values, they are averaged in groups.
    """
    shown = _grouped(values, width)
    measured = [value for value in shown if value is not None]
    if not measured:
        return ""
    low, span = min(measured), max(measured) - min(measured)
    return "".join(" " if value is None else _BLOCKS[round((value - low) / span * 7) if span else 0] for value in shown)


def _grouped(values: Sequence[float | None], width: int) -> list[float | None]:
    if len(values) <= width:
        return list(values)
    groups = [values[len(values) * i // width : len(values) * (i + 1) // width] for i in range(width)]
    return [_mean([value for value in group if value is not None]) for group in groups]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
