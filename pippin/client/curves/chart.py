"""The charts of a training and their axes, independent of the output format."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pippin.api.metrics import EpochMetrics

_INTERVALS = 5
_NICE_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Curve:
    """One line.

    Attributes:
        label: The name of the data that the curve shows.
        points: Pairs of an epoch and a value, in the order of the epochs.
    """

    label: str
    points: list[tuple[int, float]]

    @property
    def last(self) -> float:
        """The value of the last epoch."""
        return self.points[-1][1]


@dataclass(frozen=True)
class Axis:
    """An axis: its lowest and highest value, and the values that are labelled."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """The position of a value on the axis: 0 at the low end, 1 at the high end."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Chart:
    """Curves on common axes.

    Attributes:
        title: The quantity that the curves show.
        curves: The curves, each with at least one point.
        epochs: The number of epochs of the training, which is the length of the horizontal axis.
        limit: The greatest possible value.
    """

    title: str
    curves: list[Curve]
    epochs: int
    limit: float = math.inf

    @cached_property
    def x(self) -> Axis:
        """The axis of the epochs. A single epoch is in the middle, so that its point is not on an edge of the chart."""
        if self.epochs == 1:
            return Axis(0, 2, (1,))
        step = max(1, round(_tick_step(self.epochs - 1)))
        later = range(step, self.epochs + 1, step)
        return Axis(1, self.epochs, tuple(later) if step == 1 else (1, *later))

    @cached_property
    def y(self) -> Axis:
        """The axis of the values, from a round number at or below the lowest value to one at or above the highest."""
        values = [value for curve in self.curves for _, value in curve.points]
        low, high = min(values), max(values)
        if low == high == 0:
            high = 1.0
        elif low == high:
            low, high = low - abs(low) / 2, min(high + abs(high) / 2, max(high, self.limit))
        step = _tick_step(high - low)
        first, last = math.floor(low / step), math.ceil(high / step)
        return Axis(first * step, last * step, tuple(number * step for number in range(first, last + 1)))


def charts_of(epochs: Sequence[EpochMetrics]) -> list[Chart]:
    """The charts of the measured values: the loss and, if measured, the accuracy; none before the first epoch."""
    if not epochs:
        return []
    total = epochs[-1].epochs
    loss = [
        *_curve("training", epochs, lambda epoch: epoch.loss),
        *_curve("validation", epochs, lambda epoch: epoch.validation_loss),
    ]
    accuracy = list(_curve("validation", epochs, lambda epoch: epoch.validation_accuracy))
    charts = [Chart("loss", loss, total), Chart("accuracy", accuracy, total, limit=1)]
    return [chart for chart in charts if chart.curves]


def tick_text(value: float) -> str:
    """The label of a value on an axis."""
    return f"{value:.4g}" if value else "0"


def _curve(
    label: str, epochs: Iterable[EpochMetrics], value: Callable[[EpochMetrics], float | None]
) -> Iterable[Curve]:
    points = [(epoch.epoch, measured) for epoch in epochs if (measured := value(epoch)) is not None]
    if points:
        yield Curve(label, points)


def _tick_step(span: float) -> float:
    """The round number that divides a span into about five parts."""
    rough = span / _INTERVALS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(nice * power for nice in _NICE_STEPS if nice * power >= rough * (1 - 1e-9))
