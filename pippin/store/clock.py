"""The clock of Redis, which every record is dated by, and what is made of it when it is set forward or back.

All times are in microseconds. Redis has no clock but the wall clock of its machine. So a duration is summed up from
short differences, each of them held between nothing and one lease: a step of the clock by an hour then counts as one
lease at most.
"""

from pippin.store.client import Client

DEFAULT_LEASE = 20_000_000  # of an attempt that was claimed before leases were recorded
LONGEST_LEASE = 3_600_000_000  # as in lua/transition.lua


def now(client: Client) -> int:
    """What the clock of Redis shows."""
    with client.pipeline(transaction=False) as pipe:
        pipe.time()
        seconds, microseconds = pipe.execute()[0]
    return int(seconds) * 1_000_000 + int(microseconds)


def lasted(at: int, *, seen: str, elapsed: str, lease: str) -> int:
    """How long an attempt has lasted, as lua/transition.lua sums it up.

    Args:
        at: Now.
        seen: When its duration was last summed up.
        elapsed: What the sum was then; "" for 0.
        lease: How long its leases are; "" where that is not recorded.
    """
    return int(elapsed or 0) + min(max(0, at - int(seen or at)), int(lease or DEFAULT_LEASE))
