"""The transitions between the states of a job, all in one table.

The scripts of the store receive the states that a transition may start from as an argument.
"""

from pippin.api.states import Status

# For each state, the states that may follow. `queued` follows a live state when an attempt is lost or handed back.
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
