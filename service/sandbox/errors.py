"""What the sandbox raises."""

import errno
from collections.abc import Iterable
from typing import Literal

from pippin.errors import Fault, PippinError

Why = Literal["crashed", "too_slow", "too_large", "no_room", "abandoned", "unavailable"]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when a disk, a share of it or a file is as full as it may be."""


class SandboxError(PippinError):
    """A task that came to no answer.

    Attributes:
        why: "crashed", "too_slow" and "too_large" are owed to the task and what it was given; "no_room" on disk and
            "unavailable" to this machine, and the same call may work later; "abandoned" to who asked for it.
    """

    def __init__(self, why: Why, text: str) -> None:
        self.why = why
        super().__init__(text)


class TaskRefused(PippinError):  # noqa: N818 - reads as what happened: "except TaskRefused"
    """A task refused what it was given, in a sentence meant for a person.

    Attributes:
        kind: The name of the class that the task raised, such as `ModelFileError`.
        faults: What a `FaultyDocumentError` carried; empty for any other error.
    """

    def __init__(self, kind: str, text: str, faults: Iterable[Fault] = ()) -> None:
        self.kind = kind
        self.faults = tuple(faults)
        super().__init__(text)
