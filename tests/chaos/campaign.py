"""Trains jobs on a cluster while it injects one fault after another."""

import random
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from pippin.api.jobs import Job
from pippin.api.states import Status
from pippin.client import Client, ServiceError, ServiceUnreachable
from pippin.errors import PippinError
from tests.chaos import processes
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Fault, plan, signal_of, victims
from tests.chaos.jobs import dataset, request

_T = TypeVar("_T")

_LONGEST_WAIT = 0.5
_GIVE_UP_SECONDS = 180.0


@dataclass(frozen=True)
class Size:
    """Size of a campaign.

    Attributes:
        faults: Number of injected faults, without failing calls to the blob store.
        jobs: Number of jobs, of which as many are trained at once as there are workers.
        epoch_seconds: Approximate duration of an epoch.
        settings: Further settings of Pippin.
    """

    faults: int
    jobs: int
    workers: int = 3
    epochs: int = 24
    epoch_seconds: float = 0.25
    lease_seconds: float = 20
    outage_seconds: float = 30
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def frozen_seconds(self) -> float:
        """How long a worker is stopped: until its lease has expired and its job has been requeued."""
        return 1.4 * self.lease_seconds


@dataclass(frozen=True)
class Injection:
    """An injected fault, from `at` to `ended`, during a job's training; `attempt` is None if it hit no worker."""

    fault: Fault
    job: str
    attempt: int | None
    at: datetime
    ended: datetime


@dataclass
class Outcome:
    """The result of a campaign, to be judged.

    Attributes:
        injections: In order of time.
        followed: The epochs that a client received that followed the job from its beginning, through all faults.
        wrong: Violations that a driver noticed, in sentences.
    """

    injections: list[Injection] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    followed: dict[str, list[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0


class Campaign:
    """Trains the jobs and injects the faults, with one thread for each worker."""

    def __init__(self, cluster: Cluster, size: Size, seed: int, say: Callable[[str], None] = lambda _: None) -> None:
        self._cluster = cluster
        self._size = size
        self._random = random.Random(seed)
        self._say = say
        self._faults = deque(plan(size.faults, self._random))
        self._lock = threading.Lock()
        # Only one of the parts that all jobs share is hit at a time.
        self._shared = threading.Lock()
        self._begun = 0
        self.outcome = Outcome()

    def run(self) -> Outcome:
        began = time.monotonic()
        with self._cluster.client() as client:
            _patiently(lambda: client.add_dataset("points", [dataset(self._cluster.home.parent)]))
            with ThreadPoolExecutor(self._size.workers) as pool:
                for done in [pool.submit(self._drive, client) for _ in range(self._size.workers)]:
                    done.result()
        self.outcome.injections.sort(key=lambda injection: injection.at)
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _drive(self, client: Client) -> None:
        while (number := self._next_job()) is not None:
            body = self._request(number)
            job = _patiently(partial(client.submit, body, idempotency_key=f"{number}"))
            follower = _Follower(client, job.id)
            follower.start()
            with self._lock:
                self.outcome.jobs.append(job.id)
            for _ in range(self._share_of(number)):
                if not self._inject(client, job.id):
                    break
            done = self._wait(client, job.id, lambda job: job.status.is_final)
            if done is None:
                return
            follower.join(_GIVE_UP_SECONDS)
            with self._lock:
                self.outcome.followed[job.id] = follower.epochs
                if follower.trouble:
                    self.outcome.wrong.append(f"following {job.id} ended with {follower.trouble}")
            self._say(
                f"job {number}: {done.status} after {len(done.attempts)} attempts; "
                f"{len(self.outcome.injections)} faults so far"
            )

    def _next_job(self) -> int | None:
        with self._lock:
            if self._begun == self._size.jobs:
                return None
            self._begun += 1
            return self._begun

    def _share_of(self, number: int) -> int:
        """The number of faults to inject during this job, so that all are injected by the end of the last job."""
        with self._lock:
            left = self._size.jobs - number + 1
            return len(self._faults) if left <= self._size.workers else -(-len(self._faults) // left)

    def _request(self, number: int) -> dict[str, Any]:
        # Jobs come in pairs of the same training, whose results must be equal whatever faults hit them.
        seed = 1 + (number - 1) % -(-self._size.jobs // 2)
        return request(self._size.epochs, seed=seed, name=f"chaos-{number}", max_attempts=100)

    def _inject(self, client: Client, job_id: str) -> bool:
        """Inject the next fault during the job's training; False if the job has ended or no fault is left."""
        with self._lock:
            if not self._faults:
                return False
            fault = self._faults.popleft()
            pause = self._random.uniform(0, 8 * self._size.epoch_seconds)
        injection = None
        job = self._wait(client, job_id, lambda job: job.status.is_final or _is_held(job))
        if job is not None and not job.status.is_final:
            time.sleep(pause)
            injection = self._hit_worker(client, fault, job_id) if fault.of_worker else self._hit_shared(fault, job_id)
        with self._lock:
            if injection is None:
                self._faults.appendleft(fault)
                return False
            self.outcome.injections.append(injection)
        if injection.attempt is None:
            return True
        number = injection.attempt
        return self._wait(client, job_id, lambda job: job.status.is_final or _is_held(job, number)) is not None

    def _hit_worker(self, client: Client, fault: Fault, job_id: str) -> Injection | None:
        job = _patiently(lambda: client.job(job_id))
        if not _is_held(job):
            return None
        attempt = job.attempts[-1]
        hit = victims(self._cluster, fault, attempt.worker)
        began = _now()
        if fault is Fault.CACHE_DAMAGED:
            self._cluster.damage_cache(in_place=False)
        with_signal = signal_of(fault)
        if not hit or not processes.send(hit[0], with_signal):
            return None
        for pid in hit[1:]:
            processes.send(pid, with_signal)
        if with_signal is signal.SIGSTOP:
            time.sleep(self._size.frozen_seconds)
            for pid in hit:
                processes.send(pid, signal.SIGCONT)
        return Injection(fault, job.id, attempt.number, began, _now())

    def _hit_shared(self, fault: Fault, job_id: str) -> Injection | None:
        cluster = self._cluster
        with self._shared:
            began = _now()
            match fault:
                case Fault.SERVICE_KILLED:
                    if not processes.send(cluster.services[0].pid, signal.SIGKILL):
                        return None
                    cluster.wait_until_ready()
                case Fault.VALKEY_KILLED:
                    cluster.kill_valkey()
                case Fault.REDIS_SILENT:
                    cluster.freeze_valkey(self._size.outage_seconds)
                case Fault.REDIS_REFUSES:
                    cluster.kill_valkey(away=self._size.outage_seconds)
            ended = _now()
            cluster.wait_until_ready()
        return Injection(fault, job_id, None, began, ended)

    def _wait(self, client: Client, job_id: str, reached: Callable[[Job], bool]) -> Job | None:
        """The job once `reached` is true of it; None, with a violation recorded, when that does not happen in time."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        pause = 0.05
        while True:
            job = _patiently(lambda: client.job(job_id))
            if reached(job):
                return job
            if time.monotonic() > deadline:
                self.outcome.wrong.append(
                    f"{job_id} is {job.status} and has been waited for {_GIVE_UP_SECONDS:g} s; {job.attempts[-1:]}"
                )
                return None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT)


class _Follower(threading.Thread):
    """A client that follows a job from its beginning to its end."""

    def __init__(self, client: Client, job_id: str) -> None:
        super().__init__(name=f"follower of {job_id}", daemon=True)
        self._client = client
        self._job_id = job_id
        self.epochs: list[int] = []
        self.trouble: Exception | None = None

    def run(self) -> None:
        try:
            self.epochs += [metrics.epoch for metrics in self._client.follow(self._job_id)]
        except PippinError as error:
            self.trouble = error


def _is_held(job: Job, after: int = 0) -> bool:
    """Whether an attempt later than number `after` is under way."""
    if job.status not in {Status.STARTING, Status.RUNNING} or not job.attempts:
        return False
    return job.attempts[-1].number > after


def _patiently(ask: Callable[[], _T]) -> _T:
    """What `ask` returns, with retries while the service is unavailable."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while True:
        try:
            return ask()
        except ServiceUnreachable:
            if time.monotonic() > deadline:
                raise
        except ServiceError as error:
            # 409: the same submission is still in flight at a service that was killed.
            if error.status not in {409, 503} or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _now() -> datetime:
    return datetime.now(UTC)
