"""Jobs as Redis holds them, read into the words of the REST contract."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.client import Pipeline
from redis.typing import EncodableT, FieldT

from pippin.jobs.checkpoint import Resumption, StoredCheckpoint
from pippin.jobs.job import Artifact, Attempt, Failure, Job, Progress, Transition
from pippin.jobs.metrics import EpochMetrics
from pippin.jobs.request import ResolvedRequest
from pippin.jobs.states import Status
from pippin.store import keys
from pippin.store.client import Client

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARIANTS = ("initial", "trained", "inference")
_BYTES_A_LINE = 200  # of a transition, or of a field of an attempt
_READS = 4  # how many answers `_ask` leads to


def moment(microseconds: str | int) -> datetime:
    """The time that Redis recorded."""
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
    """The flat fields of a new job's hash; the script that makes its first transition adds status and time.

    JSON stays text in Redis: scripts never look into it.
    """
    timeout = request.timeout_seconds
    fields: dict[FieldT, EncodableT] = {
        "request": request.model_dump_json(),
        "queue": queue,
        "engines": ",".join(request.engines),  # those that may train it, the preferred one first
        "engine": "" if request.engine == "auto" else request.engine,
        "retry_of": retries.id if retries else "",
        "idempotency": idempotency,
        "traceparent": traceparent,
        "attempt": "1",  # the attempt that may claim the job next, or has claimed it
        "losses": "0",
        "max_attempts": str(request.max_attempts),
        "timeout": "" if timeout is None else str(int(timeout * 1e6)),  # microseconds over all attempts
        "spent": "0",  # microseconds of attempts that have ended
        "progress": "0",
        "keep": str(request.checkpoint.keep),  # how many checkpoints of epochs' ends
    }
    if from_ is not None:
        fields |= {"resume": from_.model_dump_json(), "resume_epoch": from_.epoch, "resume_step": from_.step}
        fields["progress"] = from_.epoch
    if retries and from_ and retries.latest_metrics and retries.latest_metrics.epoch == from_.epoch:
        fields["latest_metrics"] = retries.latest_metrics.model_dump_json()
    return fields


def read_jobs(client: Client, tenant: str, job_ids: Iterable[str]) -> list[Job]:
    """The jobs with these ids, in this order and as of one moment each; what is gone is left out."""
    ids = list(job_ids)
    with client.pipeline(transaction=len(ids) == 1) as pipe:
        for job_id in ids:
            _ask(pipe, keys.job(tenant, job_id))
        answers = pipe.execute()
    chunks = (answers[n : n + _READS] for n in range(0, len(answers), _READS))
    return [_assemble(job_id, *chunk) for job_id, chunk in zip(ids, chunks, strict=True) if chunk[0].get("status")]


def job_sizes(client: Client, tenant: str, job_ids: Iterable[str]) -> list[int]:
    """About how many bytes the record of each of these jobs takes, read without the records."""
    with client.pipeline(transaction=False) as pipe:
        for job_id in job_ids:
            of = keys.job(tenant, job_id)
            pipe.hstrlen(of.job, "request")
            pipe.llen(of.transitions)
            pipe.hlen(of.attempts)
        answers: list[int] = pipe.execute()
    return [
        request + _BYTES_A_LINE * (transitions + attempts)
        for request, transitions, attempts in zip(answers[::3], answers[1::3], answers[2::3], strict=True)
    ]


def read_checkpoints(client: Client, tenant: str, job_id: str) -> list[StoredCheckpoint]:
    """The checkpoints of epochs' ends that a job keeps, oldest first."""
    kept = client.hgetall(keys.job(tenant, job_id).checkpoints).values()
    return sorted((StoredCheckpoint.model_validate_json(text) for text in kept), key=lambda found: found.epoch)


def _ask(pipe: Pipeline, of: keys.JobKeys) -> None:
    pipe.hgetall(of.job)
    pipe.lrange(of.transitions, 0, -1)
    pipe.hgetall(of.attempts)
    pipe.hgetall(of.artifacts)


def _assemble(
    job_id: str,
    fields: dict[str, str],
    transitions: list[str],
    attempts: dict[str, str],
    artifacts: dict[str, str],
) -> Job:
    request = ResolvedRequest.model_validate_json(fields["request"])
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
        checkpoint=_checkpoint(fields.get("resume")),
        attempts=_attempts(attempts),
        transitions=[_transition(line) for line in transitions],
        artifacts=[Artifact.model_validate_json(artifacts[name]) for name in _VARIANTS if name in artifacts],
    )


def _notice(request: ResolvedRequest, fields: dict[str, str]) -> str | None:
    if fields["engine"] != "jax" or fields["status"] == Status.QUEUED or request.compute_units == "all":
        return None
    return f"compute_units {request.compute_units} did not count: jax trains it, and compute units are Core ML's."


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
        resumed_from=Resumption.model_validate_json(fields["resumed"]) if fields.get("resumed") else None,
        started_at=moment(fields["started_at"]),
        ended_at=_moment_or_none(fields.get("ended_at")),
        **values,
    )


def _transition(line: str) -> Transition:
    before, to, at = line.split()
    return Transition(from_=None if before == "-" else Status(before), to=Status(to), at=moment(at))


def _failure(text: str | None) -> Failure | None:
    return Failure.model_validate_json(text) if text else None


def _checkpoint(text: str | None) -> StoredCheckpoint | None:
    return StoredCheckpoint.model_validate_json(text) if text else None


def _metrics(text: str | None) -> EpochMetrics | None:
    return EpochMetrics.model_validate_json(text) if text else None


def _moment_or_none(text: str | None) -> datetime | None:
    return moment(text) if text else None


def compact(document: object) -> str:
    """JSON for a record, in as few bytes as it takes."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
