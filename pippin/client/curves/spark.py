"""A curve in one line of text."""

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The newest values as blocks of eight heights, the greatest the highest; a space where there is no value.

    Args:
        values: Oldest first.
        width: At most so many characters; more values than that are averaged in groups.
    """
    shown = _grouped(values, width)
    known = [value for value in shown if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    return "".join(" " if value is None else _BLOCKS[round((value - low) / span * 7) if span else 0] for value in shown)


def _grouped(values: Sequence[float | None], width: int) -> list[float | None]:
    if len(values) <= width:
        return list(values)
    groups = [values[len(values) * at // width : len(values) * (at + 1) // width] for at in range(width)]
    return [_mean([value for value in group if value is not None]) for group in groups]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
