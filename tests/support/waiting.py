"""Waiting for a condition, with a deadline that a loaded machine keeps too."""

import asyncio
import time
from collections.abc import Callable

# A deadline only has to end a test that has failed already.
DEADLINE = 60.0

_INTERVAL = 0.01
_FAILED = "the condition did not hold in time"


def wait_for(condition: Callable[[], object], otherwise: object = _FAILED, *, seconds: float = DEADLINE) -> None:
    """Return as soon as the condition holds.

    Args:
        condition: What to wait for.
        otherwise: What a failure shows.
        seconds: How long to wait.

    Raises:
        AssertionError: The condition did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(_INTERVAL)


async def wait_for_async(
    condition: Callable[[], object], otherwise: object = _FAILED, *, seconds: float = DEADLINE
) -> None:
    """`wait_for`, while other tasks run."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(_INTERVAL)
