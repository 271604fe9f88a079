"""Gives the memory that large requests took back to the system."""

import asyncio
import ctypes
from pathlib import Path
from resource import getpagesize

from starlette.concurrency import run_in_threadpool

from service.telemetry.meters import Meters

_INTERVAL_SECONDS = 5.0
# Below it, a trim is not worth its time: some milliseconds for a heap of a few hundred megabytes.
_WORTH_BYTES = 32 * 2**20
_STATM = Path("/proc/self/statm")


class MemoryTrimmer:
    """Has the C library return free memory whenever the process has grown.

    glibc keeps what is freed in the middle of its heaps: a service that had answered with a gigabyte kept most of it.
    Other C libraries and systems have no `malloc_trim`, and there this does nothing.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if _STATM.exists() else None
        self._resident = 0

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        if self._trim is None:
            return
        while True:
            if resident_bytes() > self._resident + _WORTH_BYTES:
                await run_in_threadpool(self.trim)
            await asyncio.sleep(_INTERVAL_SECONDS)

    def trim(self) -> None:
        """Return free memory to the system now. Other threads go on: the call is made without Python's lock."""
        before = resident_bytes()
        if self._trim is not None:
            self._trim(0)
        self._resident = resident_bytes()
        self._meters.memory_returned.inc(max(0, before - self._resident))


def resident_bytes() -> int:
    """How much memory this process holds. Linux only (proc_pid_statm(5))."""
    return int(_STATM.read_text().split()[1]) * getpagesize()
