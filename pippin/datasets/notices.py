"""Notices about a dataset: what was assumed or left out while an upload was read, for the person who sent it."""

from collections.abc import Iterable

from pippin.api.datasets import MAX_NOTICES

MAX_NOTICE_CHARACTERS = 500


def bounded(notices: Iterable[str]) -> tuple[str, ...]:
    """The notices that a dataset's record keeps: different ones, few and short, whatever an upload holds.

    At most `MAX_NOTICES` of at most `MAX_NOTICE_CHARACTERS` each; where there are more, the last says how many.
    """
    different = [_shortened(notice) for notice in dict.fromkeys(notices)]
    if len(different) <= MAX_NOTICES:
        return tuple(different)
    rest = len(different) - (MAX_NOTICES - 1)
    return (*different[: MAX_NOTICES - 1], f"and {rest:,} more notices")


def _shortened(notice: str) -> str:
    return notice if len(notice) <= MAX_NOTICE_CHARACTERS else notice[: MAX_NOTICE_CHARACTERS - 1] + "…"
