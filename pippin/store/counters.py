"""Counters of lost attempts and epochs. They are kept in Redis, since workers cause the events and services restart.

One hash a tenant. Each counter changes in the same step as the event that it counts, so that a step sent twice is
counted once.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pippin.api.engines import PREFERRED
from pippin.api.states import Reason

EPOCH_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""Upper bounds of the histogram buckets for epoch durations, in seconds; one more bucket takes longer epochs."""

MISSING_EPOCHS = "jobs_missing_epochs"  # jobs that succeeded although some of their epochs have no metrics

_MAX_DIGITS = 18
_LOST = "lost"
_EPOCHS = "epochs"
_SECONDS = "epochs_seconds"


@dataclass(frozen=True)
class EpochTimes:
    """Durations of an engine's epochs.

    Attributes:
        counts: Number of epochs in each bucket of `EPOCH_BOUNDS`, and in the last bucket without a bound.
        seconds: Total duration.
    """

    counts: tuple[int, ...]
    seconds: float


def lost_field(reason: str) -> str:
    """The field that counts attempts lost for a reason."""
    return f"{_LOST}:{reason}"


def epoch_fields(engine: str, seconds: float) -> tuple[str, str]:
    """The field that counts an epoch of `seconds`, and the field of the engine's total seconds."""
    return _bucket_field(engine, bisect_left(EPOCH_BOUNDS, seconds)), f"{_SECONDS}:{engine}"


def _bucket_field(engine: str, bucket: int) -> str:
    return f"{_EPOCHS}:{engine}:{bucket}"


def all_fields() -> list[str]:
    """All counter fields."""
    buckets = range(len(EPOCH_BOUNDS) + 1)
    of_engines = [[*(_bucket_field(engine, n) for n in buckets), f"{_SECONDS}:{engine}"] for engine in PREFERRED]
    return [*map(lost_field, Reason), MISSING_EPOCHS, *(field for fields in of_engines for field in fields)]


def losses(hashes: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """Lost attempts by reason, over all tenants."""
    sums: dict[str, int] = {}
    for fields in hashes:
        for reason in Reason:
            if lost := count(fields.get(lost_field(reason))):
                sums[reason] = sums.get(reason, 0) + lost
    return sums


def epoch_times(hashes: Iterable[Mapping[str, str]]) -> dict[str, EpochTimes]:
    """The times of epochs by engine, over all tenants."""
    counts: dict[str, list[int]] = {}
    seconds: dict[str, float] = {}
    for fields in hashes:
        for engine in PREFERRED:
            of_engine = [count(fields.get(_bucket_field(engine, n))) for n in range(len(EPOCH_BOUNDS) + 1)]
            if any(of_engine):
                before = counts.get(engine, [0] * len(of_engine))
                counts[engine] = [one + other for one, other in zip(before, of_engine, strict=True)]
                seconds[engine] = seconds.get(engine, 0.0) + _seconds(fields.get(f"{_SECONDS}:{engine}"))
    return {engine: EpochTimes(tuple(each), seconds[engine]) for engine, each in counts.items()}


def jobs_missing_epochs(hashes: Iterable[Mapping[str, str]]) -> int:
    """Jobs that succeeded although some of their epochs have no metrics, over all tenants."""
    return sum(count(fields.get(MISSING_EPOCHS)) for fields in hashes)


def count(value: str | None) -> int:
    """The number in a field; 0 for anything else, since workers write these hashes."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else 0


def _seconds(value: str | None) -> float:
    try:
        seconds = float(value or 0)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
