"""Attempts: the writes that only the worker that holds a job may make.

Each write carries the token that the attempt claimed the job with, and is refused once the attempt no longer holds the
job. Each write may be sent twice: redis-py repeats a command after a timeout, and a worker repeats a write after an
outage.
"""

import json
import math
import secrets
from dataclasses import dataclass
from enum import StrEnum

from redis.client import Pipeline

from pippin.api.checkpoints import Resumption, StoredCheckpoint
from pippin.api.jobs import Artifact, Failure, Job
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.states import Status
from pippin.jobs.states import sources
from pippin.store import keys
from pippin.store.client import Client, watching
from pippin.store.clock import attempt_duration
from pippin.store.counters import MISSING_EPOCHS, epoch_fields
from pippin.store.errors import LeaseLost, NoSuchJob, Refused
from pippin.store.jobs import Jobs
from pippin.store.queues import Queues
from pippin.store.records import compact, parse_checkpoint, read_checkpoints
from pippin.store.scripts import Scripts
from pippin.store.usage import StoreLimits
from pippin.store.versions import MAJOR

LOG_LINE_CHARACTERS = 2000


class Control(StrEnum):
    """The answer when an attempt renews its lease."""

    CONTINUE = "continue"
    CANCEL = "cancel"
    PAUSE = "pause"
    TIMEOUT = "timeout"


@dataclass(frozen=True)
class Claim:
    """Identifies an attempt and proves that it holds the job.

    Attributes:
        tenant: The tenant that owns the job.
        job_id: The id of the job.
        number: The attempt's number, from 1.
        token: A fresh random token that the attempt draws.
    """

    tenant: str
    job_id: str
    number: int
    token: str


def new_token() -> str:
    """A token for one claim."""
    return secrets.token_urlsafe(16)


class Attempts:
    """The writes of attempts."""

    def __init__(
        self,
        client: Client,
        scripts: Scripts,
        queues: Queues,
        jobs: Jobs,
        *,
        lease_seconds: float,
        limits: StoreLimits,
    ) -> None:
        self._client = client
        self._scripts = scripts
        self._queues = queues
        self._jobs = jobs
        self._lease_seconds = lease_seconds
        self._limits = limits

    def claim(self, claim: Claim, *, worker: str, engine: str) -> Job:
        """Claim a queued job: its status becomes `starting`, and its lease begins.

        Args:
            claim: The claim that the attempt will hold the job with.
            worker: Name of the worker.
            engine: Name of the engine that the attempt trains with.

        Raises:
            NoSuchJob: No job has this id.
            Refused: The job is not queued for this attempt: another attempt holds the job, or it was cancelled.
        """
        number, job_id = claim.number, claim.job_id
        arguments = (str(number), claim.token, worker, engine, self._lease_seconds, MAJOR)
        answer = self._scripts.run("claim", claim.tenant, job_id, *arguments)
        if answer[0] == "newer":
            raise Refused(
                f"{job_id} cannot be claimed: its record has version {answer[1]} and was written by a newer Pippin; "
                f"this worker reads versions up to {MAJOR}.x: upgrade it"
            )
        if answer[0] == "refused":
            raise Refused(
                f"attempt {number} of {job_id} cannot be claimed: the job is {answer[1]}, at attempt {answer[2]}"
            )
        job = self._jobs.get(claim.tenant, job_id)
        if job is None:
            raise NoSuchJob(f"there is no job {job_id}")
        return job

    def renew(self, claim: Claim) -> Control:
        """Renew the lease and read the control flags. A late renewal works until another attempt has claimed the job.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        status, time = self._write("renew", claim, self._lease_seconds)
        return _control_for(status, over=time == "over")

    def read_control(self, claim: Claim) -> Control:
        """Read the control flags without writing, between two renewals or from another process.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        of = keys.job(claim.tenant, claim.job_id)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.hmget(of.job, "status", "attempt", "token", "timeout", "spent", "lease")
            pipe.hmget(of.attempts, f"{claim.number}:seen", f"{claim.number}:elapsed")
            (second, microsecond), (status, number, token, timeout, spent, lease), (seen, elapsed) = pipe.execute()
        held = (number, token) == (str(claim.number), claim.token)
        self._check(claim, ["ok" if held else "lost", str(status or "")])
        at = int(second) * 1_000_000 + int(microsecond)
        so_far = attempt_duration(at, seen=seen or "", elapsed=elapsed or "", lease=lease or "")
        return _control_for(status, over=bool(timeout) and int(spent) + so_far > int(timeout))

    def running(self, claim: Claim, resumed: Resumption | None = None) -> None:
        """Record that the first step is about to run.

        Args:
            claim: The attempt's claim.
            resumed: Where training resumes; None when it begins with the first epoch.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        self._write("running", claim, resumed.model_dump_json() if resumed else "")

    def epoch(
        self,
        claim: Claim,
        metrics: EpochMetrics,
        batches: BatchLosses | None = None,
        checkpoint: StoredCheckpoint | None = None,
    ) -> str:
        """Record a finished epoch. An epoch that is already recorded does not change.

        Args:
            claim: The attempt's claim.
            metrics: Metrics of the epoch.
            batches: The losses of its mini-batches, recorded as one event; dropped, with a line in the log, once the
                job has reached the limit of bytes in Redis. Losses that are not finite become null.
            checkpoint: The stored checkpoint of the epoch's end. The job keeps the number of such checkpoints that its
                request sets.

        Returns:
            The id of the epoch's event.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        event = ""
        if batches is not None:
            losses = [_float32(loss) if math.isfinite(loss) else None for loss in batches.losses]
            place = {"epoch": metrics.epoch, "attempt": claim.number}
            event = compact({**place, "every": batches.every, "count": batches.count, "losses": losses})
        stored = checkpoint.model_dump_json() if checkpoint else ""
        counted = (*epoch_fields(metrics.engine, metrics.seconds), metrics.seconds)
        line = (
            f"Mini-batch losses are no longer recorded from epoch {metrics.epoch} on: the job's record has reached its "
            f"{self._limits.job_bytes:,} bytes."
        )
        limit = (self._limits.job_bytes, json.dumps({"line": line, "attempt": claim.number}))
        return self._write(
            "epoch", claim, str(metrics.epoch), metrics.model_dump_json(), event, stored, *counted, *limit
        )[0]

    def checkpoint(self, claim: Claim, checkpoint: StoredCheckpoint) -> None:
        """Record a stored checkpoint within an epoch: the next attempt resumes from this checkpoint.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        place = (str(checkpoint.epoch), str(checkpoint.step))
        self._write("checkpoint", claim, *place, checkpoint.model_dump_json())

    def discard_checkpoint(self, claim: Claim, bad: StoredCheckpoint) -> StoredCheckpoint | None:
        """Forget a checkpoint that cannot be read.

        Returns:
            The newest other checkpoint that the job keeps, from which it now resumes; None when the job starts over.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        kept = read_checkpoints(self._client, claim.tenant, claim.job_id)
        instead = next((each for each in reversed(kept) if each != bad), None)
        place = (str(instead.epoch), str(instead.step), instead.model_dump_json()) if instead else ("", "", "")
        # Compare and send the text of the record itself: a newer version may have added fields.
        stored = self._client.hget(keys.job(claim.tenant, claim.job_id).job, "resume")
        same = stored is not None and parse_checkpoint(str(stored)) == bad
        self._write("discard", claim, str(stored) if same else bad.model_dump_json(), *place)
        return instead

    def log(self, claim: Claim, line: str, *, line_id: str | None = None) -> None:
        """Record a log line. At the limit of lines or of the job's bytes, one last line says that the rest is dropped.

        Args:
            claim: The attempt's claim.
            line: The text, cut off after `LOG_LINE_CHARACTERS`.
            line_id: Identifies the line; repeat the id to send the same line again.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        shown = line if len(line) <= LOG_LINE_CHARACTERS else line[: LOG_LINE_CHARACTERS - 1] + "…"
        limits = self._limits
        texts = [
            json.dumps({"line": text, "attempt": claim.number})
            for text in (
                shown,
                f"More than {limits.log_lines} lines: further lines of this attempt are dropped.",
                f"The job's record has reached its {limits.job_bytes:,} bytes: further lines are dropped.",
            )
        ]
        self._write("log", claim, line_id or secrets.token_hex(8), limits.log_lines, limits.job_bytes, *texts)

    def artifact(self, claim: Claim, artifact: Artifact) -> None:
        """Record a stored file. It replaces an artifact of the same variant from an earlier attempt.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        self._write("artifact", claim, artifact.variant, artifact.model_dump_json())

    def succeed(self, claim: Claim, trained: Artifact) -> None:
        """Record the stored trained model and end the job as `succeeded`, in one step.

        Raises:
            LeaseLost: The attempt no longer holds the job.
            Refused: The job is being cancelled: call `cancelled`.
        """
        self._end(claim, "succeeded", Status.SUCCEEDED, artifact=trained)

    def fail(self, claim: Claim, failure: Failure) -> None:
        """End the job as `failed`, or as `cancelled` when it is being cancelled.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        self._end(claim, "failed", Status.FAILED, reason=failure)

    def cancelled(self, claim: Claim) -> None:
        """End the job as `cancelled`, as requested.

        Raises:
            LeaseLost: The attempt no longer holds the job.
            Refused: No request to cancel the job was made.
        """
        self._end(claim, "cancelled", Status.CANCELLED)

    def paused(self, claim: Claim) -> None:
        """Pause the job, as requested. A job that is being cancelled ends as `cancelled`.

        Raises:
            LeaseLost: The attempt no longer holds the job.
            Refused: No request to pause the job was made.
        """
        self._end(claim, "paused", Status.PAUSED)

    def hand_back(self, claim: Claim) -> None:
        """Give the job back so that another worker can train it; this does not count as a lost attempt.

        A job that is being cancelled ends as `cancelled`, and a job that is being paused becomes paused.

        Raises:
            LeaseLost: The attempt no longer holds the job.
        """
        of = keys.job(claim.tenant, claim.job_id)

        def give(pipe: Pipeline) -> list[str]:
            status, number, token, queue = pipe.execute_command(  # type: ignore[no-untyped-call]
                "HMGET", of.job, "status", "attempt", "token", "queue"
            )
            pipe.multi()
            if (number, token) == (str(claim.number), claim.token) and status in sources(Status.QUEUED):
                self._queues.enqueue(pipe, queue, claim.tenant, claim.job_id, claim.number + 1)
            self._run_end(claim, "handed_back", Status.QUEUED, pipe=pipe)
            answer: list[str] = pipe.execute()[-1]
            return answer

        self._check(claim, watching(self._client, [of.job], give))

    def _write(self, script: str, claim: Claim, *arguments: str | float) -> list[str]:
        held = (str(claim.number), claim.token)
        answer = self._scripts.run(script, claim.tenant, claim.job_id, *held, *arguments)
        return self._check(claim, answer)

    def _end(
        self,
        claim: Claim,
        how: str,
        target: Status,
        *,
        reason: Failure | None = None,
        artifact: Artifact | None = None,
    ) -> None:
        self._check(claim, self._run_end(claim, how, target, reason=reason, artifact=artifact))

    def _run_end(
        self,
        claim: Claim,
        how: str,
        target: Status,
        *,
        reason: Failure | None = None,
        artifact: Artifact | None = None,
        pipe: Pipeline | None = None,
    ) -> list[str]:
        return self._scripts.run(
            "end_attempt",
            claim.tenant,
            claim.job_id,
            str(claim.number),
            claim.token,
            how,
            target,
            reason.model_dump_json() if reason else "",
            artifact.variant if artifact else "",
            artifact.model_dump_json() if artifact else "",
            MISSING_EPOCHS,
            pipe=pipe,
        )

    @staticmethod
    def _check(claim: Claim, answer: list[str]) -> list[str]:
        word, *rest = answer
        if word == "refused":
            raise Refused(f"attempt {claim.number} of {claim.job_id} cannot do this: the job is {rest[0]}")
        if word != "ok":
            now = f"the job is {rest[0]}" if rest and rest[0] else "the job was deleted"
            raise LeaseLost(f"attempt {claim.number} no longer holds {claim.job_id}: {now}")
        return rest


def _float32(value: float) -> float:
    """`value` in the 9 significant digits that distinguish any two 32-bit floats: half as long in JSON."""
    return float(f"{value:.9g}")


def _control_for(status: str, *, over: bool) -> Control:
    """The control flag for a job with this status; `over` says whether its time is used up."""
    match status:
        case Status.CANCELLING:
            return Control.CANCEL
        case Status.PAUSING:
            return Control.PAUSE
    return Control.TIMEOUT if over else Control.CONTINUE
