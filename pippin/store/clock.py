"""The clock of Redis, which dates every record, and durations that tolerate steps of this clock.

All times are in microseconds. Redis only has the wall clock of its machine. So a duration is the sum of short
differences, each clamped to between 0 and one lease: a step of the clock by an hour then counts as one lease at most.
"""

from pippin.store.client import Client

DEFAULT_LEASE = 20_000_000  # of an attempt that was claimed before leases were recorded
LONGEST_LEASE = 3_600_000_000  # as in lua/transition.lua


def now(client: Client) -> int:
    """The current time of Redis."""
    with client.pipeline(transaction=False) as pipe:
        pipe.time()
        seconds, microseconds = pipe.execute()[0]
    return int(seconds) * 1_000_000 + int(microseconds)


def attempt_duration(at: int, *, seen: str, elapsed: str, lease: str) -> int:
    """The duration of an attempt, by the same rule as in lua/transition.lua.

    Args:
        at: The current time.
        seen: Time of the last update of the duration.
        elapsed: The duration at that time; "" for 0.
        lease: Length of the job's leases; "" where it is not recorded.
    """
    return int(elapsed or 0) + min(max(0, at - int(seen or at)), int(lease or DEFAULT_LEASE))
