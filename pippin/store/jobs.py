"""Jobs: submitted, read, listed, cancelled, paused, resumed, deleted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from redis.client import Pipeline

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Job
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.ids import is_id, new_id
from pippin.store import keys
from pippin.store.client import Client, hmget, watching
from pippin.store.deletion import delete_unreadable
from pippin.store.errors import NoSuchJob, Refused, UnreadableRecord
from pippin.store.idempotency import Idempotency, recall, settle
from pippin.store.listing import PAGE_BYTES, Page, find, fitting, newest, newest_ids, only
from pippin.store.queues import QUEUES, Queues
from pippin.store.quotas import JobQuota
from pippin.store.records import compact, job_sizes, new_fields, read_checkpoints, read_jobs
from pippin.store.scripts import Scripts
from pippin.store.usage import Usage, charge_of_job, check_record, length
from pippin.store.versions import Unreadable
from pippin.store.workers import Workers


class Jobs:
    """The records of jobs, as clients see and change them."""

    def __init__(self, client: Client, scripts: Scripts, queues: Queues, workers: Workers, usage: Usage) -> None:
        self._client = client
        self._scripts = scripts
        self._queues = queues
        self._workers = workers
        self._usage = usage

    def submit(
        self,
        tenant: str,
        request: ResolvedRequest,
        *,
        spec: Mapping[str, Any],
        idempotency: Idempotency | None = None,
        retries: Job | None = None,
        from_: StoredCheckpoint | None = None,
        quota: JobQuota | None = None,
        traceparent: str = "",
    ) -> Job:
        """Make a job and queue its first attempt, in one step.

        Args:
            tenant: The tenant that owns the job.
            request: The request with every default resolved.
            spec: The resolved spec that the model is built from; empty where the request names a blob that holds it.
            idempotency: The idempotency key and the digest of the request.
            retries: The job that this job retries.
            from_: The checkpoint of that job from which this job resumes; None begins with the first epoch.
            quota: The job quota of the token, if it has one.
            traceparent: The span that the attempts belong to, where requests are traced.

        Returns:
            The new job, or the job that the first request with the same idempotency key made.

        Raises:
            IdempotencyMismatch: The key was used with another body.
            IdempotencyInFlight: Another request with the key is in progress.
            QuotaExceeded: The token has used up its quota.
            RecordTooLarge: The request and the spec are too large to keep.
            TenantFull, StoreFull: There is no room for another job.
            StoreUnavailable: Redis cannot be reached; the job may have been made, and a repeat with the same
                idempotency key returns it.
        """
        queue = self._workers.queue_for(request.engines)
        job_id = new_id("job", self._milliseconds())
        of = keys.job(tenant, job_id)
        marker = keys.idempotency(tenant, idempotency.key) if idempotency else ""
        listings = _listings(tenant, request)
        fields = new_fields(
            request, queue=queue, retries=retries, from_=from_, idempotency=marker, traceparent=traceparent
        )
        spec_text = compact(spec)
        kept = from_.model_dump_json() if from_ and not from_.step else ""
        size = charge_of_job(fields, [spec_text, kept], [*listings, marker])
        fields["held"] = size
        written = length(fields["request"]) + length(spec_text)
        check_record("the description of the job", written, self._usage.limits.record_bytes, _UPLOAD)

        def make(pipe: Pipeline) -> str:
            if pipe.exists(of.job):
                return job_id  # made by an EXEC whose reply was lost
            if idempotency and (known := recall(pipe, marker, idempotency)):
                return known
            ended = quota.require(pipe, tenant) if quota else []
            self._usage.require_space(tenant, size)
            self._queues.enqueue(pipe, queue, tenant, job_id, 1)
            pipe.hset(of.job, mapping=fields)
            pipe.sadd(keys.TENANTS, tenant)
            pipe.set(of.spec, spec_text)
            if from_ and kept:
                pipe.hset(of.checkpoints, str(from_.epoch), kept)
            for listing in listings:
                pipe.zadd(listing, {job_id: 0})
            if idempotency:
                settle(pipe, marker, idempotency, job_id)
            if quota:
                quota.record(pipe, tenant, job_id, ended)
            self._usage.charge(pipe, tenant, "jobs", size)
            self._scripts.run("create", tenant, job_id, pipe=pipe)
            pipe.execute()
            return job_id

        watched = [of.job, *([marker] if marker else []), *([quota.key(tenant)] if quota else [])]
        made_id = watching(self._client, watched, make)
        return self._require(tenant, made_id)

    def id_of(self, tenant: str, id_or_name: str) -> str:
        """The id of a job.

        Args:
            tenant: The tenant that owns the job.
            id_or_name: An id, whose job need not exist any more; else a name; else the beginning of an id; else
                `last` for the newest job. Jobs that earlier versions recorded are not found by name.

        Raises:
            NoSuchJob: No job matches.
            AmbiguousName: Several jobs have the name, or ids with this beginning.
        """
        if is_id(id_or_name, "job"):
            return id_or_name
        named = newest_ids(self._client, keys.jobs_by_name(tenant, id_or_name))
        job_id = only(named, f"jobs are called {id_or_name[:_QUOTED_CHARACTERS]!r}") or find(
            self._client, keys.jobs(tenant), "job", "job", id_or_name
        )
        if job_id is None:
            raise _no_such(id_or_name[:_QUOTED_CHARACTERS])
        return job_id

    def get(self, tenant: str, job_id: str) -> Job | None:
        """The job, or None if no job has this id.

        Raises:
            UnreadableRecord: The job's record is damaged, or of a newer major version.
        """
        jobs, unreadable = self._read(tenant, [job_id])
        for each in unreadable:
            raise UnreadableRecord(each.id, each.detail)
        return jobs[0] if jobs else None

    def page(
        self,
        tenant: str,
        *,
        status: Status | None = None,
        labels: Mapping[str, str] | None = None,
        after: str | None = None,
        limit: int = 20,
        max_bytes: int = PAGE_BYTES,
    ) -> Page[Job]:
        """A page of jobs, newest first.

        Args:
            tenant: The tenant that owns the jobs.
            status: Only jobs with this status.
            labels: Only jobs with all of these labels.
            after: Only jobs older than this id: the `next` of the previous page.
            limit: Maximum number of jobs, 1 or more.
            max_bytes: Maximum size of the page's records together; a page has at least one job whatever its size.
        """
        listings = [keys.jobs_by_status(tenant, status)] if status else []
        listings += _label_listings(tenant, labels or {})
        # Workers write the listings by status; an id that is in no other listing is not a job.
        ids, cursor = newest(self._client, [keys.jobs(tenant), *listings], after, limit)
        count = fitting(job_sizes(self._client, tenant, ids), max_bytes)
        if count < len(ids):
            ids, cursor = ids[:count], ids[count - 1]
        jobs, unreadable = self._read(tenant, ids)
        return Page(tuple(jobs), cursor, tuple(unreadable))

    def of_tenant(self, tenant: str, job_ids: Sequence[str]) -> frozenset[str]:
        """Which of these jobs belong to the tenant."""
        scores = self._client.zmscore(keys.jobs(tenant), list(job_ids)) if job_ids else []
        return frozenset(job_id for job_id, score in zip(job_ids, scores, strict=True) if score is not None)

    def spec(self, tenant: str, job_id: str) -> dict[str, Any]:
        """The resolved spec that the job's model is built from.

        Raises:
            NoSuchJob: No job has this id.
        """
        text = self._client.get(keys.job(tenant, job_id).spec)
        if text is None:
            raise _no_such(job_id)
        document: dict[str, Any] = json.loads(text)
        return document

    def traceparent(self, tenant: str, job_id: str) -> str:
        """The span that a job's attempts belong to; "" when the job was submitted untraced, or was deleted."""
        return str(self._client.hget(keys.job(tenant, job_id).job, "traceparent") or "")

    def cancel(self, tenant: str, job_id: str) -> Job:
        """Cancel a job: at once if no worker holds it, else when its worker next renews the lease.

        Has no effect on a job that is already being cancelled.

        Raises:
            NoSuchJob: No job has this id.
            Refused: The job has ended.
        """
        answer = self._scripts.run("cancel", tenant, job_id)
        if answer[0] == "missing":
            raise _no_such(job_id)
        if answer[0] == "refused":
            raise Refused(f"{job_id} cannot be cancelled: it is {answer[1]}")
        if answer[1] == Status.CANCELLED:
            self._withdraw(tenant, job_id)
        return self._require(tenant, job_id)

    def pause(self, tenant: str, job_id: str) -> Job:
        """Pause a job: at once if no worker holds it, else after its worker has made a checkpoint.

        Has no effect on a job that is paused or being paused.

        Raises:
            NoSuchJob: No job has this id.
            Refused: The job is being cancelled or has ended.
        """
        answer = self._scripts.run("pause", tenant, job_id)
        if answer[0] == "missing":
            raise _no_such(job_id)
        if answer[0] == "refused":
            raise Refused(f"{job_id} cannot be paused: it is {answer[1]}")
        if answer[1] == Status.PAUSED:
            self._withdraw(tenant, job_id)
        return self._require(tenant, job_id)

    def resume(self, tenant: str, job_id: str) -> Job:
        """Queue a paused job again. It resumes from its newest checkpoint, with the engine that made the checkpoint.

        Has no effect on a job that is already queued.

        Raises:
            NoSuchJob: No job has this id.
            Refused: The job is not paused, or repeated pauses have made its record as large as it may be.
            TenantFull, StoreFull: There is no room for the job's further records.
        """
        of = keys.job(tenant, job_id)
        self._usage.require_space(tenant)

        def queue_again(pipe: Pipeline) -> list[str]:
            job = self._require(tenant, job_id)
            queue = self._workers.queue_for(job.engines_left)
            number, left, held = hmget(pipe, of.job, "attempt", "queue", "held")
            max_bytes = self._usage.limits.job_bytes
            if int(held or 0) > max_bytes:
                raise Refused(
                    f"{job_id} cannot be resumed: its record has reached {max_bytes:,} bytes; cancel and retry it"
                )
            pipe.multi()
            if job.status is Status.PAUSED:
                # The request that paused the job may not have removed the job from its queue yet.
                self._queues.remove(pipe, left, job_id, int(number))
                self._queues.enqueue(pipe, queue, tenant, job_id, int(number))
            self._scripts.run("resume", tenant, job_id, queue, pipe=pipe)
            answer: list[str] = pipe.execute()[-1]
            return answer

        answer = watching(self._client, [of.job], queue_again)
        if answer[0] == "missing":
            raise _no_such(job_id)
        if answer[0] == "refused" and answer[1] != Status.QUEUED:
            raise Refused(f"{job_id} cannot be resumed: it is {answer[1]}")
        return self._require(tenant, job_id)

    def checkpoints(self, tenant: str, job_id: str) -> list[StoredCheckpoint]:
        """A job's kept checkpoints of the ends of epochs, oldest first."""
        return read_checkpoints(self._client, tenant, job_id)

    def delete(self, tenant: str, job_id: str) -> None:
        """Delete a job that has ended, with its events, its entries in listings and its idempotency key.

        A job whose record cannot be read is deleted too, unless its status says that a worker may still hold it.

        Raises:
            NoSuchJob: No job has this id.
            Refused: The job has not ended.
        """
        of = keys.job(tenant, job_id)
        try:
            job = self._require(tenant, job_id)
        except UnreadableRecord:
            delete_unreadable(self._client, self._queues, tenant, job_id)
            return
        listings = _listings(tenant, job.request)
        marker = self._client.hget(of.job, "idempotency")
        own = [*of.own, *([str(marker)] if marker else [])]
        self._withdraw(tenant, job_id)
        answer = self._scripts.run("delete", tenant, job_id, len(listings), more_keys=(*listings, *own))
        if answer[0] == "missing":
            raise _no_such(job_id)
        if answer[0] == "refused":
            raise Refused(f"{job_id} cannot be deleted: it is {answer[1]}; cancel it first")

    def _require(self, tenant: str, job_id: str) -> Job:
        job = self.get(tenant, job_id)
        if job is None:
            raise _no_such(job_id)
        return job

    def _read(self, tenant: str, job_ids: list[str]) -> tuple[list[Job], list[Unreadable]]:
        jobs, unreadable = read_jobs(self._client, tenant, job_ids)
        if any(job.status is Status.QUEUED for job in jobs):
            live = self._workers.live_engines()
            jobs = [job.model_copy(update={"waiting_for": _missing_engine(job, live)}) for job in jobs]
        return jobs, unreadable

    def _withdraw(self, tenant: str, job_id: str) -> None:
        """Remove a job that will not be trained from RQ. A worker that has already popped the job cannot claim it."""
        of = keys.job(tenant, job_id)

        def remove(pipe: Pipeline) -> None:
            status, queue, number = hmget(pipe, of.job, "status", "queue", "attempt")
            # Another request may have resumed the job meanwhile: then the entry in the queue is valid.
            if not status or not (Status(status).is_final or status == Status.PAUSED):
                return
            pipe.multi()
            for attempt in range(1, int(number) + 1):
                self._queues.remove(pipe, queue, job_id, attempt)
            pipe.execute()

        watching(self._client, [of.job], remove)

    def _milliseconds(self) -> int:
        seconds, microseconds = self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


_QUOTED_CHARACTERS = 80  # characters of a name or id that an error quotes

_UPLOAD = "upload its model (POST /models) and give the job the model's id"


def _listings(tenant: str, request: ResolvedRequest) -> list[str]:
    """Every listing of a job, except the listings by status."""
    named = [keys.jobs_by_name(tenant, request.name)] if request.name else []
    return [keys.jobs(tenant), *named, *_label_listings(tenant, request.labels)]


def _label_listings(tenant: str, labels: Mapping[str, str]) -> list[str]:
    return [keys.jobs_by_label(tenant, name, value) for name, value in labels.items()]


def _missing_engine(job: Job, live_engines: frozenset[str]) -> str | None:
    if job.status is not Status.QUEUED:
        return None
    engines = job.engines_left
    if live_engines.intersection(engines):
        return None
    if len(engines) == len(QUEUES):
        return "No worker is alive; start one with `pippin worker`."
    (engine,) = engines
    how = "on a Mac with `pippin worker --engine coreml`" if engine == "coreml" else "with `pippin worker`"
    return f"No live worker has the {engine} engine; start one {how}."


def _no_such(job_id: str) -> NoSuchJob:
    return NoSuchJob(f"there is no job {job_id}")
