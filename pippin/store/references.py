"""The blobs that records name, which a sweeper must not delete."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from redis.client import Pipeline
from redis.exceptions import ResponseError

from pippin.api.states import Status
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import UnreadableRecord
from pippin.store.versions import damaged

_CHUNK = 500
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_READS = 3  # number of replies to `_queue_reads`


class References:
    """Reads every tenant's records in chunks, the oldest first, to limit memory in Redis and in the reader."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def tenants(self) -> list[str]:
        """Every tenant that has a job, a dataset or a model."""
        tenants: set[str] = set()
        cursor = 0
        while True:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.scan(cursor, match=keys.LISTINGS, count=1000)
                cursor, names = pipe.execute()[0]
            tenants.update(tenant for name in names if (tenant := keys.tenant_of_listing(name)))
            if not int(cursor):
                return sorted(tenants)

    def digests(self) -> Iterator[str]:
        """The digest `sha256:<hex>` of every blob that a record names, some of them several times.

        These are: the artifacts and checkpoints of all jobs; the dataset and the model, or the spec that it is built
        from, of jobs that have not ended; the arrays of datasets; uploaded models. A record that is made meanwhile may
        be missed.

        Digests are found in the text of the records, so that a damaged record, or a record of a newer version, still
        keeps its blobs.

        Raises:
            UnreadableRecord: The digests of a record cannot be found. Then no blob may count as unnamed.
        """
        for tenant in self.tenants():
            for kind in ("dataset", "model"):
                yield from self._of_uploads(tenant, kind)
            yield from self._of_jobs(tenant)

    def users_of(self, tenant: str, dataset_id: str) -> list[str]:
        """The ids of the jobs on a dataset that have not ended, by state, in order of submission."""
        users = []
        for status in Status:
            if status.is_final:
                continue
            for ids in chunks(self._client, keys.jobs_by_status(tenant, status)):
                requests = self._answers(ids, lambda pipe, n: pipe.hget(keys.job(tenant, n).job, "request"))
                jobs = zip(ids, requests, strict=True)
                users += [n for n, request in jobs if isinstance(request, str) and _uses(request, dataset_id)]
        return users

    def _of_uploads(self, tenant: str, kind: str) -> Iterator[str]:
        listing = keys.listing(tenant, kind)
        for ids in chunks(self._client, listing):
            answers = self._answers(ids, lambda pipe, n: pipe.hgetall(keys.record(tenant, kind, n)))
            for record_id, fields in zip(ids, answers, strict=True):
                if fields == {}:
                    continue  # deleted meanwhile
                digests = [] if isinstance(fields, ResponseError) else digests_in(fields.get("record", ""))
                if not digests:
                    raise UnreadableRecord(
                        record_id,
                        f"the record {record_id} of {tenant} is damaged, so the blob that it names is unknown and no "
                        "blob can be deleted: delete this record",
                    )
                yield from digests

    def _of_jobs(self, tenant: str) -> Iterator[str]:
        for ids in chunks(self._client, keys.jobs(tenant)):
            answers = self._answers(ids, lambda pipe, job_id: _queue_reads(pipe, keys.job(tenant, job_id)))
            for n, job_id in enumerate(ids):
                chunk = answers[n * _READS : (n + 1) * _READS]
                for answer in chunk:
                    if isinstance(answer, ResponseError):
                        raise damaged(job_id, answer)
                yield from _named(job_id, *chunk)

    def _answers(self, ids: Iterable[str], ask: Callable[[Pipeline, str], object]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipe:
            for record_id in ids:
                ask(pipe, record_id)
            answers: list[Any] = pipe.execute(raise_on_error=False)
        return answers


def chunks(client: Client, listing: str, below: str = "+") -> Iterator[list[str]]:
    """The ids of a listing in chunks of 500, the oldest first; ids of records made meanwhile come last.

    Args:
        client: The client to read with.
        listing: The key of a sorted set with equal scores.
        below: Only ids before this bound, for example `(id`.
    """
    begin = "-"
    while True:
        with client.pipeline(transaction=False) as pipe:
            pipe.zrange(listing, begin, below, bylex=True, offset=0, num=_CHUNK)
            ids: list[str] = pipe.execute()[0]
        if not ids:
            return
        yield ids
        begin = f"({ids[-1]}"


def _queue_reads(pipe: Pipeline, of: keys.JobKeys) -> None:
    pipe.hmget(of.job, "status", "request", "resume")
    pipe.hvals(of.artifacts)
    pipe.hvals(of.checkpoints)


def _named(job_id: str, fields: list[str | None], *documents: list[str]) -> Iterator[str]:
    status, request, resume = fields
    naming = [text for texts in documents for text in texts]
    # Also for a job that has ended: it may be retried from this checkpoint.
    if resume:
        naming.append(resume)
    # With an unknown status the job may still train.
    if request and not (status in set(Status) and Status(status).is_final):
        naming.append(request)
    for text in naming:
        digests = digests_in(text)
        if not digests:
            raise UnreadableRecord(
                job_id,
                f"the record {job_id} is damaged, so the blobs that it names are unknown and no blob can be deleted: "
                "delete this job once it has ended",
            )
        yield from digests


def digests_in(text: str) -> list[str]:
    """The digests of blobs in a text, each `sha256:` and 64 hex digits."""
    return _DIGEST.findall(text)


def _uses(request: str, dataset_id: str) -> bool:
    """Whether a job's request uses a dataset; for a request that cannot be read, whether its text contains the id."""
    try:
        return bool(json.loads(request)["dataset"]["id"] == dataset_id)
    except (ValueError, LookupError, TypeError):
        return dataset_id in request
