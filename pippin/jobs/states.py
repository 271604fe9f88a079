"""The states of a job and the only moves between them.

This table is the one authority: the store's scripts receive the states that a move may start from as an argument.
"""

from enum import StrEnum


class Status(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job will never change again."""
        return not TRANSITIONS[self]


class Reason(StrEnum):
    """Why a job failed: the first five are the user's to mend, the rest are the machine's."""

    INVALID_MODEL = "invalid_model"
    INVALID_DATA = "invalid_data"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    ENGINE_ERROR = "engine_error"


# From each state, the states that may follow it. `queued` follows a live state when an attempt is lost or handed back.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.STARTING, Status.PAUSED, Status.CANCELLED, Status.FAILED}),
    Status.STARTING: frozenset(
        {Status.RUNNING, Status.QUEUED, Status.PAUSING, Status.CANCELLING, Status.FAILED},
    ),
    Status.RUNNING: frozenset(
        {Status.SUCCEEDED, Status.FAILED, Status.QUEUED, Status.PAUSING, Status.CANCELLING},
    ),
    Status.PAUSING: frozenset(
        {Status.PAUSED, Status.CANCELLING, Status.SUCCEEDED, Status.FAILED},
    ),
    Status.PAUSED: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.CANCELLING: frozenset({Status.CANCELLED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


def sources(target: Status) -> frozenset[Status]:
    """The states from which a job may move to `target`."""
    return frozenset(status for status, following in TRANSITIONS.items() if target in following)
