"""Attempts: the writes that only the worker that holds a job may make.

Each write carries the token that the attempt claimed the job with, and is refused once the job has moved on. Each may
be sent twice: redis-py sends a command again after a timeout, and a worker after an outage.
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
from pippin.store.clock import lasted
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
    """What an attempt holds a job by.

    Attributes:
        tenant: Whose job.
        job_id: Which job.
        number: The attempt's number, from 1.
        token: Made by the attempt, fresh and not to be guessed.
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
        """Take a queued job: it is `starting`, and the lease runs.

        Args:
            claim: What the attempt will hold the job by.
            worker: Name of the worker.
            engine: What it will train with.

        Raises:
            NoSuchJob: There is none with this id.
            Refused: The job is not queued for this attempt: another holds it, or it was cancelled.
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
            LeaseLost: The job has moved on.
        """
        status, time = self._write("renew", claim, self._lease_seconds)
        return _wanted(status, over=time == "over")

    def look(self, claim: Claim) -> Control:
        """Read the control flags, between two renewals or from another process. Writes nothing.

        Raises:
            LeaseLost: The job has moved on.
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
        so_far = lasted(at, seen=seen or "", elapsed=elapsed or "", lease=lease or "")
        return _wanted(status, over=bool(timeout) and int(spent) + so_far > int(timeout))

    def running(self, claim: Claim, resumed: Resumption | None = None) -> None:
        """Record that the first step is about to run.

        Args:
            claim: The attempt's.
            resumed: From where it goes on; None when it begins with the first epoch.

        Raises:
            LeaseLost: The job has moved on.
        """
        self._write("running", claim, resumed.model_dump_json() if resumed else "")

    def epoch(
        self,
        claim: Claim,
        metrics: EpochMetrics,
        batches: BatchLosses | None = None,
        checkpoint: StoredCheckpoint | None = None,
    ) -> str:
        """Record a finished epoch, once: of an epoch that is there already, nothing changes.

        Args:
            claim: The attempt's.
            metrics: Of the epoch.
            batches: The losses of its mini-batches, recorded as one event; dropped, with a line in the log, once the
                job holds as much in Redis as one may. Not finite ones become null.
            checkpoint: Of the epoch's end, which has been stored. Of those the job keeps as many as it asks for.

        Returns:
            The id of the epoch's event.

        Raises:
            LeaseLost: The job has moved on.
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
        """Record a checkpoint within an epoch, which has been stored: the next attempt goes on from it.

        Raises:
            LeaseLost: The job has moved on.
        """
        place = (str(checkpoint.epoch), str(checkpoint.step))
        self._write("checkpoint", claim, *place, checkpoint.model_dump_json())

    def discard_checkpoint(self, claim: Claim, bad: StoredCheckpoint) -> StoredCheckpoint | None:
        """Forget a checkpoint that cannot be read.

        Returns:
            The newest of the others that the job keeps, from which it goes on now; None when it begins anew.

        Raises:
            LeaseLost: The job has moved on.
        """
        kept = read_checkpoints(self._client, claim.tenant, claim.job_id)
        instead = next((each for each in reversed(kept) if each != bad), None)
        place = (str(instead.epoch), str(instead.step), instead.model_dump_json()) if instead else ("", "", "")
        # As it stands in the record, where a newer version may have added fields.
        stored = self._client.hget(keys.job(claim.tenant, claim.job_id).job, "resume")
        same = stored is not None and parse_checkpoint(str(stored)) == bad
        self._write("discard", claim, str(stored) if same else bad.model_dump_json(), *place)
        return instead

    def log(self, claim: Claim, line: str, *, line_id: str | None = None) -> None:
        """Record a line of log. Past the limit of lines or of the job's bytes, one more says that the rest is dropped.

        Args:
            claim: The attempt's.
            line: Its text; the end of a very long one is cut off.
            line_id: Give the same one to send the same line again.

        Raises:
            LeaseLost: The job has moved on.
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
        """Record a file that has been stored. One of the same variant from an earlier attempt is replaced.

        Raises:
            LeaseLost: The job has moved on.
        """
        self._write("artifact", claim, artifact.variant, artifact.model_dump_json())

    def succeed(self, claim: Claim, trained: Artifact) -> None:
        """Record the trained model, which has been stored, and end the job as `succeeded`: both in one step.

        Raises:
            LeaseLost: The job has moved on.
            Refused: The job is being cancelled: call `cancelled`.
        """
        self._end(claim, "succeeded", Status.SUCCEEDED, artifact=trained)

    def fail(self, claim: Claim, failure: Failure) -> None:
        """End the job as `failed`; as `cancelled` when it is being cancelled.

        Raises:
            LeaseLost: The job has moved on.
        """
        self._end(claim, "failed", Status.FAILED, reason=failure)

    def cancelled(self, claim: Claim) -> None:
        """End the job as `cancelled`, as was asked.

        Raises:
            LeaseLost: The job has moved on.
            Refused: No request to cancel it was made.
        """
        self._end(claim, "cancelled", Status.CANCELLED)

    def paused(self, claim: Claim) -> None:
        """Let the job rest, as was asked. One that is being cancelled ends as `cancelled`.

        Raises:
            LeaseLost: The job has moved on.
            Refused: No request to pause it was made.
        """
        self._end(claim, "paused", Status.PAUSED)

    def hand_back(self, claim: Claim) -> None:
        """Give the job back to be trained by another worker; that counts as no loss.

        A job that is being cancelled ends as `cancelled`, and one that is being paused rests.

        Raises:
            LeaseLost: The job has moved on.
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
            now = f"the job is {rest[0]}" if rest and rest[0] else "the job is gone"
            raise LeaseLost(f"attempt {claim.number} no longer holds {claim.job_id}: {now}")
        return rest


def _float32(value: float) -> float:
    """`value` in the 9 significant digits that tell any two 32-bit floats apart: half as long in JSON."""
    return float(f"{value:.9g}")


def _wanted(status: str, *, over: bool) -> Control:
    """What an attempt is to do when its job has this status, and its time is or is not used up."""
    match status:
        case Status.CANCELLING:
            return Control.CANCEL
        case Status.PAUSING:
            return Control.PAUSE
    return Control.TIMEOUT if over else Control.CONTINUE
