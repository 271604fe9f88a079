"""Data that need not be kept: jobs that ended long ago, and blobs that no record names any more."""

import time
from collections.abc import Iterator
from typing import Any

import structlog

from pippin.api.states import Status
from pippin.ids import first_id
from pippin.store import clock, keys
from pippin.store.client import Client
from pippin.store.references import References, chunks, digests_in

_MAX_AHEAD_SECONDS = 3600
_FINAL = tuple(status for status in Status if status.is_final)

_log = structlog.stdlib.get_logger(__name__)


class Retention:
    """Finds jobs past their retention time, by the clock of Redis, which dates all records of jobs."""

    def __init__(self, client: Client, references: References) -> None:
        self._client = client
        self._references = references

    def outdated(self, seconds: float, limit: int = 500) -> list[tuple[str, str]]:
        """Tenant and id of jobs that ended more than `seconds` ago; a paused job has not ended.

        Args:
            seconds: How long ended jobs are kept.
            limit: Maximum number of jobs.
        """
        now = clock.now(self._client)
        ahead = now / 1e6 - time.time()
        if ahead > _MAX_AHEAD_SECONDS:
            # By a clock that is set a month forward, jobs of today would be a month old.
            _log.warning("no old jobs are deleted: the clock of Redis is ahead of this machine's", seconds=round(ahead))
            return []
        before = now - int(seconds * 1e6)
        if before <= 0:
            return []
        outdated: list[tuple[str, str]] = []
        for tenant in self._references.tenants():
            for status in _FINAL:
                for job_id in self._ended(tenant, status, before):
                    outdated.append((tenant, job_id))
                    if len(outdated) == limit:
                        return outdated
        return outdated

    def _ended(self, tenant: str, status: Status, before: int) -> Iterator[str]:
        """The jobs with a status that ended before a time in microseconds, in order of submission."""
        # A job that was submitted after `before` cannot have ended before it; ids sort by creation time.
        bound = f"({first_id('job', before // 1000)}"
        for ids in chunks(self._client, keys.jobs_by_status(tenant, status), bound):
            with self._client.pipeline(transaction=False) as pipe:
                for job_id in ids:
                    pipe.hget(keys.job(tenant, job_id).job, "finished_at")
                ends: list[Any] = pipe.execute(raise_on_error=False)
            yield from (job_id for job_id, end in zip(ids, ends, strict=True) if _is_before(end, before))


def _is_before(end: object, before: int) -> bool:
    """Whether a job ended before a time; false for a damaged record."""
    return isinstance(end, str) and end.isascii() and end.isdigit() and int(end) < before


MAX_RELEASED = 10_000
"""Maximum length of the list; a sweep finds the blobs of dropped entries. transition.lua has the same number."""


class Released:
    """The list of blobs that records no longer name; scripts add digests or the records that named the blobs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take(self, limit: int) -> list[str]:
        """Remove the oldest `limit` entries and return the digests in them."""
        with self._client.pipeline() as pipe:
            pipe.lrange(keys.RELEASED, 0, limit - 1)
            pipe.ltrim(keys.RELEASED, limit, -1)
            texts: list[str] = pipe.execute()[0]
        return [digest for text in texts for digest in digests_in(text)]
