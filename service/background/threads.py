"""Threads for the service's own duties, which no request can use up."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")

# One for each duty, and one for the sample of a tenant that is new.
_threads = anyio.CapacityLimiter(8)


async def run_duty(work: Callable[[], T]) -> T:
    """What `work` returns, done in a thread that the duties of this package share.

    Requests share 40 other threads: while clients kept all of those busy, the reaper stood still.
    """
    return await anyio.to_thread.run_sync(work, limiter=_threads)
