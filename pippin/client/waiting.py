"""Waits until a job is final: the one duty that the two clients do by different means."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from pippin.api.events import Event
from pippin.api.jobs import Job
from pippin.system.retry import wait_until


class _Client(Protocol):
    def job(self, job_id: str) -> Job: ...


class _AsyncClient(Protocol):
    async def job(self, job_id: str) -> Job: ...

    def events(self, job_id: str) -> AsyncIterator[Event]: ...


def wait_by_polling(client: _Client, job_id: str, timeout: float | None) -> Job:
    """The job once it is final. A blocking read of a stream could not end at a deadline, so the job is polled.

    Raises:
        TimeoutError: If it is not final after `timeout` seconds.
    """

    def final() -> Job | None:
        return job if (job := client.job(job_id)).status.is_final else None

    if (job := wait_until(final, timeout, longest=1)) is None:
        raise TimeoutError(_late(job_id, timeout))
    return job


async def wait_by_following(client: _AsyncClient, job_id: str, timeout: float | None) -> Job:  # noqa: ASYNC109
    """The job once the stream of its events has ended.

    Raises:
        TimeoutError: If it has not ended after `timeout` seconds.
    """
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            async for _ in client.events(job_id):
                pass
            return await client.job(job_id)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TimeoutError(_late(job_id, timeout)) from error


def _late(job_id: str, timeout: float | None) -> str:
    return f"{job_id} is not final after {timeout} s"
