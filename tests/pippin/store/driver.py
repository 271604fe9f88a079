"""The steps that take a job through its states, as the service, workers and the passing of time do."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import TypeVar

from pippin.api.jobs import Artifact, Failure, Job
from pippin.api.states import Reason, Status
from pippin.store import Claim, Idempotency, JobQuota, Store, StoredEvent, keys, new_token
from tests.support.records import epoch_metrics, resolved_request, stored_checkpoint, worker_report

A = TypeVar("A")
R = TypeVar("R")

TENANT = "default"
QUEUE = "pippin-jax"
WORKER = "mac-1"
ABSENT = "job_" + "0" * 26
FAILURE = Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped.")


def trained_model(job_id: str, **fields: object) -> Artifact:
    """The trained model of a job; keywords replace fields."""
    usual = {"variant": "trained", "digest": "sha256:" + "1" * 64, "bytes": 2344526}
    return Artifact.model_validate(usual | {"url": f"/jobs/{job_id}/model?variant=trained"} | fields)


def at_once(function: Callable[[A], R], arguments: Sequence[A]) -> list[R]:
    """Call a function with each argument at the same moment, in as many threads; the results."""
    start = Barrier(len(arguments))

    def call(argument: A) -> R:
        start.wait()
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(call, arguments))


@dataclass(frozen=True)
class Driver:
    """Submits jobs and changes their states."""

    store: Store
    tenant: str = TENANT

    def submit(self, *, quota: JobQuota | None = None, idempotency: Idempotency | None = None, **fields: object) -> Job:
        """Submit a job; other keywords replace the request's fields."""
        return self.store.jobs.submit(
            self.tenant, resolved_request(**fields), spec={"layers": []}, quota=quota, idempotency=idempotency
        )

    def claim(self, job: Job, number: int = 1) -> Claim:
        """Claim a job's next attempt."""
        claim = Claim(self.tenant, job.id, number, new_token())
        self.store.attempts.claim(claim, worker=f"worker-{number}", engine="jax")
        return claim

    def run(self, job: Job, number: int = 1) -> Claim:
        """Claim a job's next attempt and record that it trains."""
        claim = self.claim(job, number)
        self.store.attempts.running(claim)
        return claim

    def start(self, **fields: object) -> tuple[Job, Claim]:
        """Submit a job, take it out of its queue, as a worker does, and run its first attempt."""
        job = self.submit(**fields)
        self.withdraw(job)
        return job, self.run(job)

    def train(self, claim: Claim, *epochs: int, checkpoints: bool = False, succeed: bool = False) -> None:
        """Record epochs, their checkpoints and the attempt's success, as asked."""
        for epoch in epochs:
            checkpoint = stored_checkpoint(epoch) if checkpoints else None
            self.store.attempts.epoch(claim, epoch_metrics(epoch), checkpoint=checkpoint)
        if succeed:
            self.store.attempts.succeed(claim, trained_model(claim.job_id))

    def cancel(self, claim: Claim) -> None:
        """Cancel the claimed job, and let its attempt end."""
        self.store.jobs.cancel(self.tenant, claim.job_id)
        self.store.attempts.cancelled(claim)

    def read(self, job: Job) -> Job:
        """The job's record now."""
        record = self.store.jobs.get(self.tenant, job.id)
        assert record is not None
        return record

    def status(self, job: Job) -> Status:
        """The job's status now."""
        return self.read(job).status

    def expire(self, job: Job, at: float = 1) -> None:
        """Let the job's lease end at this time of Redis, in microseconds: by default long ago."""
        self.store.redis.zadd(keys.LEASES, {keys.member(self.tenant, job.id): at}, xx=True)

    def lose(self, job: Job) -> Status | None:
        """Let the job's lease run out, and let the reaper act on it; the job's next status."""
        self.expire(job)
        return self.store.reaping.requeue_lost(self.tenant, job.id)

    def lease_end(self, job: Job) -> float | None:
        """When the job's lease ends, in microseconds by the clock of Redis; None without a lease."""
        return self.store.redis.zscore(keys.LEASES, keys.member(self.tenant, job.id))

    def events(self, job: Job, *types: str) -> list[StoredEvent]:
        """The job's events of these types, or all."""
        return [event for event in self.store.events.all(self.tenant, job.id) if not types or event.type in types]

    def log_lines(self, job: Job) -> list[str]:
        """The lines of the job's log."""
        return [event.data["line"] for event in self.events(job, "log")]

    def waiting(self, queue: str = QUEUE) -> list[tuple[str, int]]:
        """The ids and attempt numbers of the jobs in a queue."""
        return self.store.queues.waiting(queue)

    def withdraw(self, job: Job, number: int = 1) -> None:
        """Take the job out of its queue."""
        self.store.queues.withdraw(QUEUE, job.id, number)

    def heartbeat(self, *names: str, **fields: object) -> None:
        """Report idle workers with the jax engine; keywords replace the reports' fields."""
        for name in names or (WORKER,):
            self.store.workers.heartbeat(worker_report(name=name, **fields))
