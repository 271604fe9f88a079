"""Waits until a job is final: the one operation for which the two clients use different methods."""

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
    """Return the job once it is final. It is polled, since a blocking read of a stream could not end at a deadline.

    Raises:
        TimeoutError: If the job is not final after `timeout` seconds.
    """

    def final() -> Job | None:
        return job if (job := client.job(job_id)).status.is_final else None

    if (job := wait_until(final, timeout, longest=1)) is None:
        raise TimeoutError(_timeout_message(job_id, timeout))
    return job


async def wait_by_following(client: _AsyncClient, job_id: str, timeout: float | None) -> Job:  # noqa: ASYNC109
    """Return the job once the stream of its events has ended.

    Raises:
        TimeoutError: If the stream has not ended after `timeout` seconds.
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
        raise TimeoutError(_timeout_message(job_id, timeout)) from error


def _timeout_message(job_id: str, timeout: float | None) -> str:
    return f"{job_id} is not final after {timeout} s"
