"""The progress bar of a job that is followed at a terminal."""

import pytest
from rich.console import Console

from pippin.api.metrics import EpochMetrics
from pippin.cli.progress import Bar, sparkline
from tests.support.records import epoch_metrics


def _epoch(number: int) -> EpochMetrics:
    return epoch_metrics(
        number,
        epochs=100,
        loss=0.42263,
        validation_loss=None,
        validation_accuracy=0.9355,
        examples_per_second=1234.5,
        seconds=2.0,
        learning_rate=0.1,
    )


def _shown(bar: Bar) -> str:
    console = Console(width=120)
    with console.capture() as shown:
        console.print(bar)
    return shown.get()


@pytest.mark.parametrize("status", ["cancelling", "cancelled", "pausing", "paused", "failed", "succeeded", "queued"])
def test_only_a_running_job_shows_the_remaining_time(status: str) -> None:
    bar = Bar(Console(quiet=True), lambda _: "")
    bar.state("running")
    bar.epoch(_epoch(10))
    shown = _shown(bar)
    assert "10/100 loss 0.4226 accuracy 93.55% 1,234/s" in shown
    assert " min " in shown
    assert shown.rstrip().endswith("left")
    bar.state(status)
    assert "left" not in _shown(bar)
    bar.state("running")
    assert "left" in _shown(bar)


@pytest.mark.parametrize(
    ("values", "width", "shown"),
    [
        ([], 10, ""),
        ([None], 10, ""),
        ([1, 1, 1], 10, "▁▁▁"),
        ([0, 7, None, 1], 10, "▁█ ▂"),
        ([0, 0, 7, 7, 0, 0], 3, "▁█▁"),
    ],
)
def test_sparkline_follows_its_values(values: list[float | None], width: int, shown: str) -> None:
    assert sparkline(values, width) == shown
