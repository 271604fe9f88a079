"""Operations of a reaper: requeue jobs whose worker was lost or that are in no queue, elect the one acting reaper."""

from collections.abc import Callable

from redis.client import Pipeline
from redis.exceptions import ResponseError

from pippin.api.jobs import Failure
from pippin.api.states import Reason, Status
from pippin.store import clock, keys
from pippin.store.attempts import Claim
from pippin.store.client import Client, hmget, watching
from pippin.store.clock import attempt_duration
from pippin.store.counters import MISSING_EPOCHS, lost_field
from pippin.store.leases import MAX_MEMBERS, JobMembers
from pippin.store.queues import QUEUES, Queues
from pippin.store.scripts import Scripts
from pippin.store.workers import Workers

_MAX_REQUEUED = 500  # jobs that one call queues again
_LONGEST_TURN_MS = 120_000  # longest turn of a reaper; its interval is 60 s at most

_LIVE = {status for status in Status if not status.is_final}

STRAY_SECONDS = 30  # longest time between a worker's pop of a job and its claim


class Reaping:
    """Finds and repairs lost jobs. Each operation is safe to repeat and safe while another reaper runs."""

    def __init__(self, client: Client, scripts: Scripts, queues: Queues, workers: Workers, members: JobMembers) -> None:
        self._client = client
        self._scripts = scripts
        self._queues = queues
        self._workers = workers
        self._members = members

    def acquire_leadership(self, owner: str, seconds: float) -> bool:
        """Whether `owner` is the acting reaper for the next `seconds`; call again before they are over.

        Args:
            owner: Unique name of this reaper.
            seconds: How long other reapers wait if this reaper stops calling.
        """

        def lead(pipe: Pipeline) -> bool:
            holder = pipe.get(keys.REAPER_LEADER)
            # A turn of more than the longest turn began before the clock of Redis was set back.
            ahead = int(str(pipe.pttl(keys.REAPER_LEADER))) > _LONGEST_TURN_MS
            if holder not in {None, owner} and not ahead:
                return False
            pipe.multi()
            pipe.set(keys.REAPER_LEADER, owner, px=int(seconds * 1000))
            pipe.execute()
            return True

        return watching(self._client, [keys.REAPER_LEADER], lead)

    def resign(self, owner: str) -> None:
        """Allow another reaper to act at once."""

        def leave(pipe: Pipeline) -> None:
            if pipe.get(keys.REAPER_LEADER) == owner:
                pipe.multi()
                pipe.delete(keys.REAPER_LEADER)
                pipe.execute()

        watching(self._client, [keys.REAPER_LEADER], leave)

    def reached(self, gap: float) -> float:
        """Record that Redis was reached just now.

        The record is in Redis and shared by all reapers, so that a reaper that has just started can use it.

        Args:
            gap: Seconds that may pass between two calls without breaking the time in which Redis was reached.

        Returns:
            For how many seconds Redis has been reached without a longer gap.
        """

        def note(pipe: Pipeline) -> float:
            since, until = hmget(pipe, keys.REACHED, "since", "until")
            now = clock.now(self._client)
            unbroken = bool(until) and abs(now - int(until)) <= gap * 1e6
            start = min(int(since), now) if unbroken else now
            pipe.multi()
            pipe.hset(keys.REACHED, mapping={"since": start, "until": now})
            pipe.execute()
            return (now - start) / 1e6

        return watching(self._client, [keys.REACHED], note)

    def fail_damaged(self, tenant: str, job_id: str, why: str) -> None:
        """End a job whose record is damaged, so that it neither stays for ever nor delays other jobs."""
        detail = f"The job's record is damaged, so the job cannot continue: {why[:200]}."
        reason = Failure(code=Reason.WORKER_LOST, detail=detail).model_dump_json()
        try:
            self._scripts.run("fail_damaged", tenant, job_id, reason)
        except ResponseError:  # the script cannot run either; without a lease the reaper ignores the job
            with self._client.pipeline() as pipe:
                pipe.zrem(keys.LEASES, keys.member(tenant, job_id))
                pipe.zrem(keys.QUEUED, keys.member(tenant, job_id))
                pipe.execute()

    def requeue_lost(self, tenant: str, job_id: str) -> Status | None:
        """End the attempt whose lease has expired, and queue the job's next attempt or end the job.

        Returns:
            The job's new state: `queued`; `failed` when its attempts or its time are used up; `cancelled` or `paused`
            when that was requested. None when nothing was done: the lease was renewed, or the job was deleted.
        """

        def find_failure(pipe: Pipeline, fields: dict[str, str]) -> Failure | None:
            ends = pipe.zscore(keys.LEASES, keys.member(tenant, job_id))
            if ends is None or float(str(ends)) > clock.now(self._client):
                return None
            number = fields["attempt"]
            (worker,) = hmget(pipe, keys.job(tenant, job_id).attempts, f"{number}:worker")
            detail = f"The worker {worker} stopped answering during attempt {number}."
            return Failure(code=Reason.WORKER_LOST, detail=detail)

        return self._lose(tenant, job_id, "", find_failure)

    def report_lost(self, claim: Claim, failure: Failure) -> Status | None:
        """End an attempt whose process died, as reported by its worker, without waiting for the lease to expire.

        Args:
            claim: The attempt's claim.
            failure: Why the process died, in a sentence.

        Returns:
            The job's new state, as for `requeue_lost`; None when the attempt no longer holds the job.
        """

        def find_failure(_: Pipeline, fields: dict[str, str]) -> Failure | None:
            return failure if (fields["attempt"], fields["token"]) == (str(claim.number), claim.token) else None

        return self._lose(claim.tenant, claim.job_id, claim.token, find_failure)

    def _lose(
        self, tenant: str, job_id: str, token: str, find_failure: Callable[[Pipeline, dict[str, str]], Failure | None]
    ) -> Status | None:
        """If `find_failure` returns a failure, end the attempt as lost, and queue the next attempt or end the job."""
        of = keys.job(tenant, job_id)

        def take(pipe: Pipeline) -> tuple[Status, str, int] | None:
            fields: dict[str, str] = pipe.execute_command("HGETALL", of.job)  # type: ignore[no-untyped-call]
            if not fields.get("token"):
                return None
            failure = find_failure(pipe, fields)
            if failure is None:
                return None
            number = int(fields["attempt"])
            # Absent when the job was deleted since the first read; then EXEC fails, and the next try finds no job.
            seen, elapsed = hmget(pipe, of.attempts, f"{number}:seen", f"{number}:elapsed")
            so_far = attempt_duration(
                clock.now(self._client), seen=seen, elapsed=elapsed, lease=fields.get("lease", "")
            )
            target, failure = _after_loss(fields, failure, so_far)
            pipe.multi()
            if target is Status.QUEUED:
                self._queues.enqueue(pipe, fields["queue"], tenant, job_id, number + 1)
            end = (str(number), token, "lost", target, failure.model_dump_json(), "", "", MISSING_EPOCHS)
            pipe.hincrby(keys.counters(tenant), lost_field(failure.code), 1)
            self._scripts.run("end_attempt", tenant, job_id, *end, pipe=pipe)
            answer: list[str] = pipe.execute()[-1]
            if answer[0] in {"refused", "missing"}:
                # No attempt holds the job, whatever its state.
                self._client.zrem(keys.LEASES, keys.member(tenant, job_id))
            return (Status(answer[1]), fields["queue"], number) if answer[0] == "ok" else None

        taken = watching(self._client, [of.job], take)
        if taken is None:
            return None
        status, queue, number = taken
        self._queues.withdraw(queue, job_id, number)
        return status

    def requeue_orphans(self, seconds: float = STRAY_SECONDS, *, limit: int = _MAX_REQUEUED) -> list[tuple[str, str]]:
        """Queue again the jobs that are `queued` but have been in no queue for `seconds`.

        A worker that dies between the pop and the claim leaves such a job, and RQ never finds it. Each call observes
        one moment, so the method must be called repeatedly: a job that is missing once may be about to be claimed.

        Args:
            seconds: Minimum time; with 0, a job that is missing at this moment is queued again at once.
            limit: Maximum number of jobs; the jobs queued earliest come first.

        Returns:
            Tenant and id of each requeued job.
        """
        waiting = {job_id for queue in QUEUES.values() for job_id, _ in self._queues.waiting(queue)}
        with self._client.pipeline() as pipe:
            pipe.time()
            pipe.zrange(keys.QUEUED, 0, MAX_MEMBERS - 1)
            pipe.hgetall(keys.STRAYS)
            (second, microsecond), queued, strays = pipe.execute()
        now = second * 1_000_000 + microsecond
        outside = [member for member in queued if keys.parse_member(member)[1] not in waiting]
        # A live job that is not queued has just been claimed, and may become queued again: keep its member.
        live = self._members.prune(keys.QUEUED, outside, lambda fields: fields["status"] in _LIVE)
        missing = [member for member, fields in live.items() if fields["status"] == Status.QUEUED]
        # A time in the future was recorded before the clock of Redis was set back.
        since = {member: at if (at := int(strays.get(member) or now)) <= now else now for member in missing}
        overdue = [member for member, at in since.items() if now - at >= seconds * 1e6][:limit]
        with self._client.pipeline() as pipe:
            for member in since.keys() - set(overdue):
                if strays.get(member) != str(since[member]):
                    pipe.hset(keys.STRAYS, member, since[member])
            for member in (strays.keys() - set(missing)) | set(overdue):
                pipe.hdel(keys.STRAYS, member)
            pipe.execute()
        orphans = [keys.parse_member(member) for member in overdue]
        return [orphan for orphan in orphans if self._enqueue_again(*orphan)]

    def move_stranded(self) -> list[tuple[str, str]]:
        """Move queued jobs from an engine without a live worker to a live engine that may train them.

        Returns:
            Tenant and id of each moved job.
        """
        live = self._workers.live_engines()
        if not live:
            return []
        stranded = {
            job_id
            for engine, queue in QUEUES.items()
            if engine not in live
            for job_id, _ in self._queues.waiting(queue)
        }
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zrange(keys.QUEUED, 0, MAX_MEMBERS - 1)
            queued = [keys.parse_member(member) for member in pipe.execute()[0]]
        return [
            (tenant, job_id)
            for tenant, job_id in queued
            if job_id in stranded and self._enqueue_again(tenant, job_id, live)
        ]

    def _enqueue_again(self, tenant: str, job_id: str, live: frozenset[str] | None = None) -> bool:
        """Queue a job's next, unclaimed attempt again in its present queue.

        With `live`, queue the attempt instead for the first of the job's engines that is in `live`, if there is one.
        """
        of = keys.job(tenant, job_id)

        def enqueue(pipe: Pipeline) -> bool:
            fields = ("status", "attempt", "queue", "engines", "resume")
            status, number, present, engines, checkpoint = hmget(pipe, of.job, *fields)
            # Only the engine that made a checkpoint can resume from it.
            elsewhere = None if checkpoint else _queue_among(engines.split(","), live or frozenset())
            queue = present if live is None else elsewhere
            if status != Status.QUEUED or queue is None:
                return False
            pipe.multi()
            self._queues.remove(pipe, present, job_id, int(number))
            self._queues.enqueue(pipe, queue, tenant, job_id, int(number))
            pipe.hset(of.job, "queue", queue)
            pipe.execute()
            return True

        return watching(self._client, [of.job], enqueue)


def _queue_among(engines: list[str], live: frozenset[str]) -> str | None:
    """The queue of the first of `engines` that is in `live`."""
    return next((QUEUES[engine] for engine in engines if engine in live), None)


def _after_loss(fields: dict[str, str], failure: Failure, duration: int) -> tuple[Status, Failure]:
    """The next state of a job whose attempt was lost, and the reason. Times are in microseconds."""
    losses, lost = int(fields["losses"]) + 1, failure.detail.removesuffix(".")
    if fields["status"] == Status.CANCELLING:
        return Status.CANCELLED, failure
    timeout = fields["timeout"]
    if timeout and int(fields["spent"]) + duration > int(timeout):
        detail = f"{lost}, and the job's timeout_seconds of {int(timeout) / 1000000.0:g} are used up."
        return Status.FAILED, Failure(code=Reason.TIMEOUT, detail=detail)
    if losses >= int(fields["max_attempts"]):
        detail = f"{lost}; {losses} attempts were lost, and max_attempts is {fields['max_attempts']}."
        return Status.FAILED, Failure(code=failure.code, detail=detail)
    if fields["status"] == Status.PAUSING:
        return Status.PAUSED, Failure(code=failure.code, detail=f"{lost}; the job is paused, as requested.")
    return Status.QUEUED, Failure(code=failure.code, detail=f"{lost}; the job is queued again.")
