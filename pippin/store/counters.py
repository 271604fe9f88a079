"""What is counted in Redis, since workers see it happen and services come and go: lost attempts, epochs.

One hash a tenant. Each count changes in the step that it counts, so that a step sent twice is counted once.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

EPOCH_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""Upper bounds of the classes that epochs are counted in, in seconds; one more class takes the longer ones."""

_LOST = "lost"
_EPOCHS = "epochs"
_SECONDS = "epochs_seconds"


@dataclass(frozen=True)
class EpochTimes:
    """How long the epochs of an engine took.

    Attributes:
        counts: How many fell into each class of `EPOCH_BOUNDS`, and into the last one without a bound.
        seconds: How long they took together.
    """

    counts: tuple[int, ...]
    seconds: float


def lost_field(reason: str) -> str:
    """The field that counts attempts lost for a reason."""
    return f"{_LOST}:{reason}"


def epoch_fields(engine: str, seconds: float) -> tuple[str, str]:
    """The field that counts an epoch of `seconds`, and the field that their seconds are added to."""
    return f"{_EPOCHS}:{engine}:{bisect_left(EPOCH_BOUNDS, seconds)}", f"{_SECONDS}:{engine}"


def losses(hashes: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """Lost attempts by reason, over all tenants."""
    found: dict[str, int] = {}
    for kind, rest, value in _entries(hashes):
        if kind == _LOST:
            found[rest] = found.get(rest, 0) + int(value)
    return found


def epoch_times(hashes: Iterable[Mapping[str, str]]) -> dict[str, EpochTimes]:
    """The times of epochs by engine, over all tenants."""
    counts: dict[str, list[int]] = {}
    seconds: dict[str, float] = {}
    for kind, rest, value in _entries(hashes):
        if kind == _EPOCHS:
            engine, _, place = rest.rpartition(":")
            counts.setdefault(engine, [0] * (len(EPOCH_BOUNDS) + 1))[int(place)] += int(value)
        elif kind == _SECONDS:
            seconds[rest] = seconds.get(rest, 0.0) + float(value)
    return {engine: EpochTimes(tuple(each), seconds.get(engine, 0.0)) for engine, each in counts.items()}


def _entries(hashes: Iterable[Mapping[str, str]]) -> Iterable[tuple[str, str, str]]:
    for fields in hashes:
        for field, value in fields.items():
            kind, _, rest = field.partition(":")
            yield kind, rest, value
