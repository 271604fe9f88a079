"""What need not be kept: jobs that ended long ago, and blobs that no record names any more."""

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
    """Judges by the clock of Redis, as everything that is written into a job's record is."""

    def __init__(self, client: Client, references: References) -> None:
        self._client = client
        self._references = references

    def outdated(self, seconds: float, limit: int = 500) -> list[tuple[str, str]]:
        """Tenant and id of jobs that ended more than `seconds` ago; a paused job has not ended.

        Args:
            seconds: How long they are kept.
            limit: How many at most.
        """
        now = clock.now(self._client)
        ahead = now / 1e6 - time.time()
        if ahead > _MAX_AHEAD_SECONDS:
            # Jobs of today would be a month old by a clock that was set a month forward.
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
        """The jobs with a status that ended before a time in microseconds, the first submitted first."""
        # One that was submitted later has not ended before; ids sort by when they were made.
        bound = f"({first_id('job', before // 1000)}"
        for ids in chunks(self._client, keys.jobs_by_status(tenant, status), bound):
            with self._client.pipeline(transaction=False) as pipe:
                for job_id in ids:
                    pipe.hget(keys.job(tenant, job_id).job, "finished_at")
                ends: list[Any] = pipe.execute(raise_on_error=False)
            yield from (job_id for job_id, end in zip(ids, ends, strict=True) if _is_before(end, before))


def _is_before(end: object, before: int) -> bool:
    """Whether a job ended before a time; of a damaged record that is not known."""
    return isinstance(end, str) and end.isascii() and end.isdigit() and int(end) < before


MAX_RELEASED = 10_000
"""The longest list; a sweep finds the blobs of the others. transition.lua has the same number."""


class Released:
    """The list that scripts add such blobs to, as digests or as the records that name them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take(self, limit: int) -> list[str]:
        """The digests in the oldest `limit` entries, which are listed no more."""
        with self._client.pipeline() as pipe:
            pipe.lrange(keys.RELEASED, 0, limit - 1)
            pipe.ltrim(keys.RELEASED, limit, -1)
            texts: list[str] = pipe.execute()[0]
        return [digest for text in texts for digest in digests_in(text)]
