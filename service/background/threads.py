"""Threads for the background loops, which requests cannot use up."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")

# One for each loop, and one for the sample of a new tenant.
_threads = anyio.CapacityLimiter(8)


async def run_in_background(work: Callable[[], T]) -> T:
    """Run `work` in one of the threads of the background loops, and return its result.

    Requests share 40 other threads. When the loops used those too, busy clients stopped the reaper.
    """
    return await anyio.to_thread.run_sync(work, limiter=_threads)
