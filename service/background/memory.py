"""Returns the memory that large requests used to the system."""

import ctypes
from pathlib import Path
from resource import getpagesize

from starlette.concurrency import run_in_threadpool

from pippin.system.background import every
from service.telemetry.meters import Meters

_INTERVAL_SECONDS = 5.0
# A trim takes some milliseconds for a heap of a few hundred megabytes, so smaller growth is ignored.
_MIN_GROWTH_BYTES = 32 * 2**20
_STATM = Path("/proc/self/statm")


class MemoryTrimmer:
    """Has the C library return free memory whenever the process has grown.

    glibc keeps memory that is freed in the middle of its heaps: a service that had sent an answer of a gigabyte kept
    most of it. Other C libraries and systems have no `malloc_trim`; there this does nothing.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if _STATM.exists() else None
        self._resident = 0

    async def run(self) -> None:
        """Check every few seconds, until cancelled."""
        if self._malloc_trim is not None:
            await every(_INTERVAL_SECONDS, self._trim_if_grown, failure="returning free memory failed")

    def trim(self) -> None:
        """Return free memory to the system now. Other threads go on: the call releases Python's lock."""
        before = resident_bytes()
        if self._malloc_trim is not None:
            self._malloc_trim(0)
        self._resident = resident_bytes()
        self._meters.memory_returned.inc(max(0, before - self._resident))

    async def _trim_if_grown(self) -> None:
        if resident_bytes() > self._resident + _MIN_GROWTH_BYTES:
            await run_in_threadpool(self.trim)


def resident_bytes() -> int:
    """The resident memory of this process. Linux only (proc_pid_statm(5))."""
    return int(_STATM.read_text().split()[1]) * getpagesize()
