"""How far a backup or a restore is, for a terminal."""

from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    """A moment of the work.

    Attributes:
        doing: What is being done, as `copying blobs`.
        done: How many keys, blobs or files are done.
        total: How many there are; None where that is not known before the end.
        bytes: How many bytes they are so far; 0 where only their number counts.
    """

    doing: str
    done: int
    total: int | None = None
    bytes: int = 0


Report = Callable[[Progress], None]
"""Called often; what it costs is its own business."""
