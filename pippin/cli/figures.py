"""Formats numbers, sizes, times and durations for display."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pippin.api.metrics import EpochMetrics

_DIGITS = 4
_LARGEST, _SMALLEST = 1e9, 1e-4  # outside this range, a number is written with an exponent


def figure(value: float | None) -> str:
    """A measured number with four significant digits; a hyphen for None."""
    if value is None:
        return "-"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = abs(value)
    if not _SMALLEST <= size < _LARGEST:
        return f"{value:.{_DIGITS - 1}e}"
    return f"{value:,.{max(0, _DIGITS - 1 - math.floor(math.log10(size)))}f}"


def loss(epoch: "EpochMetrics | None") -> str:
    """The training loss of an epoch; a hyphen if there is none."""
    if epoch is None:
        return "-"
    return "diverged" if epoch.diverged else figure(epoch.loss)


def exact(value: object) -> str:
    """A setting's exact value, without an exponent if that is readable; booleans as in a job's file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and (value == 0 or 1e-7 <= abs(value) < 1e15):
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def percentage(share: float | None, decimals: int = 2) -> str:
    """A share as a percentage; a hyphen for None."""
    return "-" if share is None else f"{share:.{decimals}%}"


def share(fraction: float) -> str:
    """A configured share, such as 0.125, as its exact percentage."""
    return f"{exact(float(Decimal(repr(fraction)) * 100))}%"


def size(count: int) -> str:
    """A number of bytes with three significant digits, in decimal units."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        # Rounded first: 999,999 bytes are 1.00 MB and not 1000 kB.
        rounded = float(f"{value:.3g}")
        if rounded < 1000 or unit == "TB":
            break
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(rounded)))}f} {unit}"


def counted(count: int, noun: str, plural: str = "s") -> str:
    """A number with its noun: "1 blob", "2,000 blobs". `plural` is the ending of the noun in the plural."""
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def duration(seconds: float) -> str:
    """A duration in its two largest units; below a minute, in seconds."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    return span(round(seconds))


def span(seconds: int) -> str:
    """A duration in whole seconds, in its two largest units: "2 min 5 s"."""
    parts = []
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, length)
        parts.append((count, unit))
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{count} {unit}" for number, (count, unit) in enumerate(parts[:2]) if count or number == 0)


def ago(moment: datetime | None) -> str:
    """The time since a moment, in its largest unit."""
    if moment is None:
        return "-"
    number, unit = span(max(0, round((datetime.now(UTC) - moment).total_seconds()))).split()[:2]
    return f"{number} {unit} ago"


def moment_text(moment: datetime | None) -> str:
    """A moment in this machine's time zone, and the time since then; empty for None."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z} ({ago(moment)})"


def shape_text(shape: Iterable[int]) -> str:
    """A shape as text, with multiplication signs between its sizes."""
    return "×".join(map(str, shape))  # noqa: RUF001 - a multiplication sign
