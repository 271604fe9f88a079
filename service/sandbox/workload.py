"""Limits how many requests use the sandbox at once: each kind of work has its own places."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from service.admission import Admission, AdmissionMeter
from service.sandbox.messages import SandboxError

T = TypeVar("T")

SMALL_FILE_BYTES = 2 * 2**20
"""The largest upload that counts as small: ten thousand digits, or a document without weights."""

# A small upload that takes longer, such as a ZIP of zeros, is started again in a place for large ones.
_SMALL_SECONDS = 10.0
_SMALL_FILES, _LARGE_FILES, _PREDICTIONS, _PREVIEWS, _EXPORTS, _EVALUATIONS = 3, 2, 4, 2, 2, 1

# A submission computes briefly, waits for Redis, and sometimes for a child that reads the model of another job.
_SUBMISSIONS, _INSPECTIONS = 8, 2

CHILDREN = sum((_SMALL_FILES, _LARGE_FILES, _PREDICTIONS, _PREVIEWS, _EXPORTS, _EVALUATIONS, _INSPECTIONS))
"""How many children the sandbox needs for all places at once."""


class Workload:
    """Runs work that waits for the sandbox in its own threads, so that no other request waits for them.

    Args:
        wait_seconds: How long a request waits for its place.
        meter: Where waiting and refused requests are counted.

    Attributes:
        small_files: Places for uploads and documents up to `SMALL_FILE_BYTES`.
        large_files: Places for larger ones.
        predictions: Places for predictions of trained models.
        previews: Places for reading examples of datasets.
        exports: Places for files that are created on request.
        submissions: Places for submitted jobs, whose specs may be large.
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
        # The places limit the threads: a place is returned only when its thread is free.
        self._threads = anyio.CapacityLimiter(CHILDREN + _SUBMISSIONS)

    async def run(self, admission: Admission, tenant: str, work: Callable[[], T]) -> T:
        """Run `work` in a thread once there is a place, and return its result.

        Raises:
            Problem: 503, when there is no place in time.
        """
        async with admission.slot(tenant):
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    def files(self, size: int) -> Admission:
        """The places for a file of `size` bytes."""
        return self.small_files if size <= SMALL_FILE_BYTES else self.large_files

    async def read(self, tenant: str, size: int, work: Callable[[float | None], T]) -> T:
        """Run `work` on a file of `size` bytes; a small file that takes long is started again among the large ones.

        Args:
            tenant: The tenant of the request.
            size: The size of the upload.
            work: Called with its time limit in seconds; None leaves the limit to `work`.

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
