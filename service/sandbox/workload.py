"""Admission to the sandbox and to the threads that wait for it: each kind of work has places of its own."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from service.admission import Admission, AdmissionMeter
from service.sandbox.errors import SandboxError

T = TypeVar("T")

SMALL_FILE_BYTES = 2 * 2**20
"""The largest upload that counts as small: digits by the ten thousand, and documents without weights."""

# A small upload that takes longer, a ZIP of zeros say, is begun again among the large ones.
_SMALL_SECONDS = 10.0
_SMALL_FILES, _LARGE_FILES, _PREDICTIONS, _PREVIEWS, _EXPORTS, _EVALUATIONS = 3, 2, 4, 2, 2, 1

# A submission computes for a moment, waits for Redis, and now and then for a child that reads the model of another job.
_SUBMISSIONS, _INSPECTIONS = 8, 2

CHILDREN = sum((_SMALL_FILES, _LARGE_FILES, _PREDICTIONS, _PREVIEWS, _EXPORTS, _EVALUATIONS, _INSPECTIONS))
"""How many children the sandbox needs for all of them at once."""


class Workload:
    """Runs what waits for the sandbox in threads of its own, so that no other request waits for those.

    Args:
        wait_seconds: How long a request waits for its place.
        meter: Where waiting and refused requests are counted.

    Attributes:
        small_files: Of uploads and documents up to `SMALL_FILE_BYTES`.
        large_files: Of larger ones.
        predictions: Of answers of trained models.
        previews: Of examples of datasets.
        exports: Of files that are made when they are asked for.
        submissions: Of jobs, whose specs may be large.
    """

    def __init__(self, *, wait_seconds: float, meter: AdmissionMeter | None = None) -> None:
        def places(resource: str, count: int) -> Admission:
            return Admission(resource, places=count, wait_seconds=wait_seconds, meter=meter)

        self.small_files = places("small uploads", _SMALL_FILES)
        self.large_files = places("large uploads", _LARGE_FILES)
        self.predictions = places("predictions", _PREDICTIONS)
        self.previews = places("previews", _PREVIEWS)
        self.exports = places("exports", _EXPORTS)
        self.submissions = places("submissions", _SUBMISSIONS)
        # Admissions bound the threads; a place is given back only when its thread is free.
        self._threads = anyio.CapacityLimiter(CHILDREN + _SUBMISSIONS)

    async def run(self, admission: Admission, tenant: str, work: Callable[[], T]) -> T:
        """What `work` returns, which a thread does once there is a place.

        Raises:
            Problem: 503, when others have kept it waiting for too long.
        """
        async with admission.place(tenant):
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    def files(self, size: int) -> Admission:
        """The places for a file of `size` bytes."""
        return self.small_files if size <= SMALL_FILE_BYTES else self.large_files

    async def read(self, tenant: str, size: int, work: Callable[[float | None], T]) -> T:
        """What `work` returns for a file of `size` bytes, which is done again if it turns out to be slow.

        Args:
            tenant: Whose request.
            size: Of what is read, as sent.
            work: Called with the seconds that it may take; None leaves that to it.

        Raises:
            Problem: As `run` does.
            SandboxError: As `work` does.
        """
        if size <= SMALL_FILE_BYTES:
            try:
                return await self.run(self.small_files, tenant, lambda: work(_SMALL_SECONDS))
            except SandboxError as error:
                if error.why != "too_slow":
                    raise
        return await self.run(self.large_files, tenant, lambda: work(None))
