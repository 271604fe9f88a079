"""Which blobs the records name: what a sweeper must not delete."""

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
_READS = 3  # how many answers `_ask` leads to


class References:
    """Reads every tenant's records in chunks, the oldest first, so that neither Redis nor a reader holds them all."""

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
        """The digest of every blob that a record names, `sha256:<hex>`, some of them several times.

        The artifacts and checkpoints of all jobs; the model, or the spec that it is built from, and the dataset of jobs
        that have not ended; the arrays of datasets; uploaded models. A record that is made meanwhile may be missed.

        Digests are taken from the text of the records, so that a damaged one, or one of a newer version, still keeps
        its blobs.

        Raises:
            UnreadableRecord: What a record names cannot be read. No blob may then count as unnamed.
        """
        for tenant in self.tenants():
            for kind in ("dataset", "model"):
                yield from self._of_uploads(tenant, kind)
            yield from self._of_jobs(tenant)

    def users_of(self, tenant: str, dataset_id: str) -> list[str]:
        """The ids of the jobs on a dataset that have not ended, the first submitted of each state first."""
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
                        f"the record {record_id} of {tenant} is damaged and does not tell which blob it names, so no "
                        "blob can be deleted: delete this record",
                    )
                yield from digests

    def _of_jobs(self, tenant: str) -> Iterator[str]:
        for ids in chunks(self._client, keys.jobs(tenant)):
            answers = self._answers(ids, lambda pipe, job_id: _ask(pipe, keys.job(tenant, job_id)))
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
    """The ids of a listing, the oldest first, some hundreds at a time; those of records made meanwhile come last.

    Args:
        client: Where to look.
        listing: The key of a sorted set with equal scores.
        below: Only ids before this one, as `(id`.
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


def _ask(pipe: Pipeline, of: keys.JobKeys) -> None:
    pipe.hmget(of.job, "status", "request", "resume")
    pipe.hvals(of.artifacts)
    pipe.hvals(of.checkpoints)


def _named(job_id: str, fields: list[str | None], *documents: list[str]) -> Iterator[str]:
    status, request, resume = fields
    naming = [text for texts in documents for text in texts]
    # Of a job that has ended too: it may be tried again from there.
    if resume:
        naming.append(resume)
    # A status that is not known here may be one in which the job still trains.
    if request and not (status in set(Status) and Status(status).is_final):
        naming.append(request)
    for text in naming:
        digests = digests_in(text)
        if not digests:
            raise UnreadableRecord(
                job_id,
                f"the record {job_id} is damaged and does not tell which blobs it names, so no blob can be deleted: "
                "delete this job once it has ended",
            )
        yield from digests


def digests_in(text: str) -> list[str]:
    """The names of blobs in a text, `sha256:` and 64 digits each."""
    return _DIGEST.findall(text)


def _uses(request: str, dataset_id: str) -> bool:
    """Whether a job's request is for a dataset; of one that cannot be read, whether it mentions it."""
    try:
        return bool(json.loads(request)["dataset"]["id"] == dataset_id)
    except (ValueError, LookupError, TypeError):
        return dataset_id in request
