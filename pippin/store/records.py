"""Converts jobs between their records in Redis and the types of the REST API."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.client import Pipeline
from redis.exceptions import ResponseError
from redis.typing import EncodableT, FieldT

from pippin.api.checkpoints import Resumption, StoredCheckpoint
from pippin.api.jobs import Artifact, Attempt, Failure, Job, Progress, Transition
from pippin.api.metrics import EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import UnreadableRecord
from pippin.store.versions import FIELD, UNREADABLE, VERSION, Unreadable, damaged, require_readable, version_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARIANTS = ("initial", "trained", "inference")
_BYTES_A_LINE = 200  # size of a transition, or of a field of an attempt
_READS = 5  # number of replies to `_queue_reads`


def moment(microseconds: str | int) -> datetime:
    """A time from microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=int(microseconds))


def new_fields(
    request: ResolvedRequest,
    *,
    queue: str,
    retries: Job | None,
    from_: StoredCheckpoint | None,
    idempotency: str,
    traceparent: str,
) -> dict[FieldT, EncodableT]:
    """The flat fields of a new job's hash; the script of the first transition adds status and time.

    JSON is opaque text in Redis: scripts never parse it.
    """
    timeout = request.timeout_seconds
    fields: dict[FieldT, EncodableT] = {
        FIELD: VERSION,
        "request": request.model_dump_json(),
        "queue": queue,
        "engines": ",".join(request.engines),  # engines that may train the job, the preferred one first
        "engine": "" if request.engine == "auto" else request.engine,
        "retry_of": retries.id if retries else "",
        "idempotency": idempotency,
        "traceparent": traceparent,
        "attempt": "1",  # the attempt that may claim the job next or has claimed it
        "losses": "0",
        "max_attempts": str(request.max_attempts),
        "timeout": "" if timeout is None else str(int(timeout * 1e6)),  # microseconds over all attempts
        "spent": "0",  # microseconds of attempts that have ended
        "progress": "0",
        "first_epoch": "0",  # number of epochs that an earlier job trained; their metrics are in that job's record
        "epochs": str(request.hyperparameters.epochs),
        "keep": str(request.checkpoint.keep),  # number of checkpoints of epochs' ends to keep
    }
    if from_ is not None:
        fields |= {"resume": from_.model_dump_json(), "resume_epoch": from_.epoch, "resume_step": from_.step}
        fields["progress"] = fields["first_epoch"] = from_.epoch
    if retries and from_ and retries.latest_metrics and retries.latest_metrics.epoch == from_.epoch:
        fields["latest_metrics"] = retries.latest_metrics.model_dump_json()
    return fields


def read_jobs(client: Client, tenant: str, job_ids: Iterable[str]) -> tuple[list[Job], list[Unreadable]]:
    """The jobs with these ids, in this order, each as of one moment; deleted jobs are omitted.

    Returns:
        The jobs, and the records that exist but cannot be read.
    """
    ids = list(job_ids)
    with client.pipeline(transaction=len(ids) == 1) as pipe:
        for job_id in ids:
            _queue_reads(pipe, keys.job(tenant, job_id))
        # A key of another type replies with an error, which must affect only its own job.
        answers = pipe.execute(raise_on_error=False)
    jobs: list[Job] = []
    unreadable: list[Unreadable] = []
    for n, job_id in enumerate(ids):
        chunk = answers[n * _READS : (n + 1) * _READS]
        try:
            job = _read(job_id, chunk)
        except UnreadableRecord as error:
            unreadable.append(UNREADABLE.record(error))
        else:
            jobs += [job] if job else []
    return jobs, unreadable


def _read(job_id: str, answers: list[Any]) -> Job | None:
    """The job in the replies to `_queue_reads`; None when there is no job.

    Raises:
        UnreadableRecord: The job's record is damaged or of a newer major version.
    """
    if answers[0] == {}:
        return None
    for answer in answers:
        if isinstance(answer, ResponseError):
            raise damaged(job_id, answer)
    require_readable(version_of(answers[0]), job_id)
    try:
        return _assemble(job_id, answers)
    except (LookupError, ValueError, OverflowError) as error:
        raise damaged(job_id, error) from error


def job_sizes(client: Client, tenant: str, job_ids: Iterable[str]) -> list[int]:
    """Approximate size in bytes of the record of each job, computed without reading the records."""
    with client.pipeline(transaction=False) as pipe:
        for job_id in job_ids:
            of = keys.job(tenant, job_id)
            pipe.hstrlen(of.job, "request")
            pipe.llen(of.transitions)
            pipe.hlen(of.attempts)
        # A key of another type counts as 0: reading the record reports the damage.
        answers = [
            0 if isinstance(answer, ResponseError) else int(answer) for answer in pipe.execute(raise_on_error=False)
        ]
    return [
        request + _BYTES_A_LINE * (transitions + attempts)
        for request, transitions, attempts in zip(answers[::3], answers[1::3], answers[2::3], strict=True)
    ]


def read_checkpoints(client: Client, tenant: str, job_id: str) -> list[StoredCheckpoint]:
    """A job's kept checkpoints of the ends of epochs, oldest first."""
    kept = client.hgetall(keys.job(tenant, job_id).checkpoints).values()
    readable = (each for text in kept if (each := _kept_checkpoint(str(text))) is not None)
    return sorted(readable, key=lambda each: each.epoch)


def _kept_checkpoint(text: str) -> StoredCheckpoint | None:
    """A checkpoint from a job's record; None for text that is not a checkpoint, so that it does not hide others."""
    try:
        return parse_checkpoint(text)
    except ValueError:
        return None


def parse_checkpoint(text: str) -> StoredCheckpoint:
    """A checkpoint from its JSON, without fields of newer versions.

    Raises:
        ValueError: The text is not a checkpoint.
    """
    return StoredCheckpoint.model_validate_json(text, extra="ignore")


def _queue_reads(pipe: Pipeline, of: keys.JobKeys) -> None:
    pipe.hgetall(of.job)
    pipe.lrange(of.transitions, 0, -1)
    pipe.hgetall(of.attempts)
    pipe.hgetall(of.artifacts)
    pipe.hlen(of.epochs)


def _assemble(job_id: str, answers: list[Any]) -> Job:
    fields, transitions, attempts, artifacts, recorded_epochs = answers
    request = ResolvedRequest.model_validate_json(fields["request"], extra="ignore")
    return Job(
        id=job_id,
        name=request.name,
        status=Status(fields["status"]),
        reason=_failure(fields.get("reason")),
        engine=fields["engine"] or None,
        labels=request.labels,
        request=request,
        created_at=moment(fields["created_at"]),
        started_at=_moment_or_none(fields.get("started_at")),
        finished_at=_moment_or_none(fields.get("finished_at")),
        retry_of=fields["retry_of"] or None,
        progress=Progress(epoch=int(fields["progress"]), epochs=request.hyperparameters.epochs),
        latest_metrics=_metrics(fields.get("latest_metrics")),
        waiting_for=None,
        notice=_notice(request, fields),
        missing_epochs=_missing_epochs(request, fields, recorded_epochs),
        checkpoint=_checkpoint(fields.get("resume")),
        attempts=_attempts(attempts),
        transitions=[_transition(line) for line in transitions],
        artifacts=[
            Artifact.model_validate_json(artifacts[name], extra="ignore") for name in _VARIANTS if name in artifacts
        ],
    )


def _notice(request: ResolvedRequest, fields: dict[str, str]) -> str | None:
    notices = list(request.dataset.notices)
    if fields["engine"] == "jax" and fields["status"] != Status.QUEUED and request.compute_units != "all":
        notices.append(
            f"compute_units {request.compute_units} was ignored: jax trains the job, and compute units apply to Core "
            "ML only"
        )
    return " ".join(f"{notice}." for notice in notices) or None


def _missing_epochs(request: ResolvedRequest, fields: dict[str, str], recorded: int) -> int:
    """Number of epochs without metrics of a job that succeeded.

    Each epoch is recorded before the end of the job, so epochs are missing only where Redis was restored from an older
    copy while the job trained.
    """
    if fields["status"] != Status.SUCCEEDED or "first_epoch" not in fields:
        return 0
    return max(0, request.hyperparameters.epochs - int(fields["first_epoch"]) - recorded)


def _attempts(fields: dict[str, str]) -> list[Attempt]:
    by_number: dict[int, dict[str, str]] = {}
    for name, value in fields.items():
        number, _, field = name.partition(":")
        by_number.setdefault(int(number), {})[field] = value
    return [_attempt(number, by_number[number]) for number in sorted(by_number)]


def _attempt(number: int, fields: dict[str, str]) -> Attempt:
    values: dict[str, Any] = {name: fields[name] for name in ("worker", "engine", "status")}
    return Attempt(
        number=number,
        reason=_failure(fields.get("reason")),
        resumed_from=Resumption.model_validate_json(fields["resumed"], extra="ignore")
        if fields.get("resumed")
        else None,
        started_at=moment(fields["started_at"]),
        ended_at=_moment_or_none(fields.get("ended_at")),
        **values,
    )


def _transition(line: str) -> Transition:
    before, to, at = line.split()
    return Transition(from_=None if before == "-" else Status(before), to=Status(to), at=moment(at))


def _failure(text: str | None) -> Failure | None:
    return Failure.model_validate_json(text, extra="ignore") if text else None


def _checkpoint(text: str | None) -> StoredCheckpoint | None:
    return parse_checkpoint(text) if text else None


def _metrics(text: str | None) -> EpochMetrics | None:
    return EpochMetrics.model_validate_json(text, extra="ignore") if text else None


def _moment_or_none(text: str | None) -> datetime | None:
    return moment(text) if text else None


def compact(document: object) -> str:
    """A document as compact JSON for a record."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
