"""Attempts that write checkpoints and attempts that resume from them; the engine's weights count mini-batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Job
from pippin.api.requests import CheckpointPolicy
from pippin.api.states import Reason, Status
from pippin.blobs import BlobError, Blobs
from pippin.blobs.cache import BlobCache
from pippin.jobs.checkpoints import Checkpoint, read_checkpoint
from pippin.models.mlmodel import Weights, read
from pippin.store import Claim, new_token
from worker.attempt.checkpoints import Checkpoints
from worker.attempt.run import AttemptContext, run
from worker.child import Assignment
from worker.engines.engine import EpochResult, Observer, Stopped, TrainingRun
from worker.stop import Cause, StopFlag

if TYPE_CHECKING:
    from tests.worker.conftest import Bench

TENANT = "default"
Hook = Callable[[int, StopFlag], None]


@dataclass
class Counting:
    """An engine that adds 1 to every weight in an epoch of two mini-batches.

    `before` is called before each mini-batch with how many were taken so far.
    """

    stop: StopFlag
    before: Hook = lambda *_: None
    resumed: list[Checkpoint | None] = field(default_factory=list)
    name: str = "jax"

    def warm_up(self) -> None:
        pass

    def train(self, training: TrainingRun, observer: Observer) -> Weights:
        self.resumed.append(training.resume)
        start = training.resume or self._at(training, 0)
        observer.training_began(None if training.resume is None else "counted in another way")
        for taken in range(2 * start.epoch + start.step, 2 * training.hyperparameters.epochs):
            self.before(taken, self.stop)
            if observer.stop_requested():
                raise Stopped(self._at(training, taken))
            if taken % 2:
                done = taken // 2 + 1
                result = EpochResult(done, 1 / done, None, None, 0.1, 10.0, None)
                observer.epoch_ended(result, lambda done=done: self._at(training, 2 * done))
        return self._at(training, 2 * training.hyperparameters.epochs).weights

    def _at(self, training: TrainingRun, taken: int) -> Checkpoint:
        epoch, step = divmod(taken, 2)
        weights = {
            layer: {key: array + np.float32(taken) for key, array in arrays.items()}
            for layer, arrays in read(training.model).weights.items()
        }
        return Checkpoint("jax", epoch, step, taken, (0.5,) * step, weights)


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def attempt(bench: "Bench", home: Path) -> Callable[..., Counting]:
    """Makes one attempt; `before` may set the attempt's stop flag or change the job concurrently."""

    def make(job: Job, before: Hook = lambda *_: None, *, number: int = 1, blobs: Blobs | None = None) -> Counting:
        stop = StopFlag()
        engine = Counting(stop, before)
        used = blobs or bench.blobs
        cache = BlobCache(home / "cache" / "blobs", 10**9, used)
        tools = AttemptContext(
            store=bench.store, blobs=used, cache=cache, engine=engine, renew_seconds=0.1, blob_seconds=0.3
        )
        run(Assignment(Claim(TENANT, job.id, number, new_token()), "bench", "jax"), tools, stop)
        return engine

    return make


def at(mini_batch: int, cause: Cause) -> Hook:
    return lambda taken, stop: stop.set(cause) if taken == mini_batch else None


def weight(bench: "Bench", job: Job) -> float:
    """By how much training has raised the first weight."""
    made = [read(bench.artifact(job, name)).weights["dense"]["weights"].flat[0] for name in ("initial", "trained")]
    return float(made[1] - made[0])


def kept(bench: "Bench", job: Job) -> list[int]:
    return [each.epoch for each in bench.store.jobs.checkpoints(TENANT, job.id)]


def test_every_epoch_has_its_checkpoint_and_the_newest_are_kept(
    bench: "Bench", attempt: Callable[..., Counting]
) -> None:
    job = bench.submit(hyperparameters={"epochs": 5}, checkpoint=CheckpointPolicy(keep=2))
    attempt(job)
    done = bench.job(job)
    assert done.status is Status.SUCCEEDED
    assert kept(bench, job) == [4, 5]
    assert done.checkpoint == bench.store.jobs.checkpoints(TENANT, job.id)[-1]
    assert read_checkpoint(b"".join(bench.blobs.read(done.checkpoint.digest))).epoch == 5
    order = [
        event.type for event in bench.store.events.all(TENANT, job.id, "0-0") if event.type in {"epoch", "checkpoint"}
    ]
    assert order == ["checkpoint", "epoch"] * 5


def test_checkpoint_interval_of_the_job_is_used(bench: "Bench", attempt: Callable[..., Counting]) -> None:
    job = bench.submit(hyperparameters={"epochs": 5}, checkpoint=CheckpointPolicy(every_epochs=2))
    attempt(job)
    assert kept(bench, job) == [2, 4]


@pytest.mark.parametrize("mini_batch", [0, 1, 2, 3, 9])
def test_handed_back_job_resumes_at_its_mini_batch(
    bench: "Bench", attempt: Callable[..., Counting], mini_batch: int
) -> None:
    job = bench.submit(hyperparameters={"epochs": 5})
    attempt(job, at(mini_batch, Cause.TERMINATED))
    back = bench.job(job)
    assert (back.status, back.attempts[0].status) == (Status.QUEUED, "handed_back")
    engine = attempt(job, number=2)
    (resumed,) = engine.resumed
    assert resumed is not None
    assert (resumed.epoch, resumed.step) == divmod(mini_batch, 2)
    done = bench.job(job)
    assert done.status is Status.SUCCEEDED
    went_on = done.attempts[1].resumed_from
    assert went_on is not None
    assert (went_on.epoch, went_on.step, went_on.notice) == (*divmod(mini_batch, 2), "counted in another way")
    assert [event["epoch"] for event in bench.events(job, "epoch")] == [1, 2, 3, 4, 5]
    assert weight(bench, job) == 10


def test_pause_stores_a_checkpoint_and_the_job_resumes_from_it(
    bench: "Bench", attempt: Callable[..., Counting]
) -> None:
    job = bench.submit(hyperparameters={"epochs": 5})

    def pause(taken: int, stop: StopFlag) -> None:
        if taken == 5:
            bench.store.jobs.pause(TENANT, job.id)
            while stop.cause is None:
                pass

    attempt(job, pause)
    paused = bench.job(job)
    assert (paused.status, paused.attempts[0].status) == (Status.PAUSED, "paused")
    assert paused.checkpoint is not None
    assert (paused.checkpoint.epoch, paused.checkpoint.step) == (2, 1)
    assert bench.store.jobs.resume(TENANT, job.id).status is Status.QUEUED
    attempt(job, number=2)
    assert bench.job(job).status is Status.SUCCEEDED
    assert weight(bench, job) == 10


def test_timed_out_attempt_keeps_its_checkpoint_for_a_retry(bench: "Bench", attempt: Callable[..., Counting]) -> None:
    job = bench.submit(hyperparameters={"epochs": 5})
    attempt(job, at(3, Cause.TIMED_OUT))
    failed = bench.job(job)
    assert failed.reason is not None
    assert failed.reason.code is Reason.TIMEOUT
    assert failed.checkpoint is not None
    assert (failed.checkpoint.epoch, failed.checkpoint.step) == (1, 1)


def test_attempt_resumed_after_the_last_epoch_only_writes_the_model(
    bench: "Bench", attempt: Callable[..., Counting], home: Path
) -> None:
    twin, job = (bench.submit(hyperparameters={"epochs": 3}) for _ in range(2))
    attempt(twin)
    claim = Claim(TENANT, job.id, 1, new_token())

    class Dying(Counting):
        def train(self, training: TrainingRun, observer: Observer) -> Weights:
            super().train(training, observer)
            raise Stopped

    stop = StopFlag()
    stop_at_end = Dying(stop)
    cache = BlobCache(home / "cache" / "blobs", 10**9, bench.blobs)
    run(
        Assignment(claim, "bench", "jax"),
        AttemptContext(store=bench.store, blobs=bench.blobs, cache=cache, engine=stop_at_end, renew_seconds=0.1),
        stop,
    )
    assert bench.job(job).status is Status.QUEUED
    (resumed,) = attempt(job, number=2).resumed
    assert resumed is not None
    assert resumed.epoch == 3
    assert bench.artifact(job, "trained") == bench.artifact(twin, "trained")


@pytest.mark.parametrize("harm", ["gone", "damaged", "foreign"])
def test_unreadable_checkpoint_is_replaced_by_the_previous_one(
    bench: "Bench", attempt: Callable[..., Counting], home: Path, harm: str
) -> None:
    # A separate model, whose checkpoints no cache holds.
    job = bench.submit(spec={**bench.spec, "initial_seed": sum(harm.encode())}, hyperparameters={"epochs": 5})
    attempt(job, at(6, Cause.TERMINATED))
    newest = bench.job(job).checkpoint
    assert newest is not None
    assert newest.epoch == 3
    name = newest.digest.removeprefix("sha256:")
    path = home / "blobs" / name[:2] / name
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if harm == "damaged" else b"no checkpoint")
    (resumed,) = attempt(job, number=2).resumed
    assert resumed is not None
    assert resumed.epoch == 2
    assert bench.job(job).status is Status.SUCCEEDED
    assert [event["epoch"] for event in bench.events(job, "epoch")] == [1, 2, 3, 4, 5]
    assert any("cannot be used" in event["line"] for event in bench.events(job, "log"))
    assert weight(bench, job) == 10


def test_long_blob_outage_loses_the_attempt_and_not_the_job(
    bench: "Bench", attempt: Callable[..., Counting], home: Path
) -> None:
    class Failing(Blobs):
        def put_bytes(self, data: bytes) -> str:  # noqa: ARG002
            raise BlobError("the blobs are away")

    job = bench.submit(hyperparameters={"epochs": 5})
    attempt(job, blobs=Failing((home / "blobs").as_uri()))
    lost = bench.job(job)
    assert (lost.status, lost.attempts[0].status) == (Status.QUEUED, "lost")
    assert lost.attempts[0].reason is not None
    assert "the blobs are away" in lost.attempts[0].reason.detail
    attempt(job, number=2)
    assert bench.job(job).status is Status.SUCCEEDED


def test_lost_attempts_are_counted_since_the_last_new_checkpoint(
    bench: "Bench", attempt: Callable[..., Counting]
) -> None:
    job = bench.submit(hyperparameters={"epochs": 6}, max_attempts=2)

    def lose(number: int, mini_batch: int) -> None:
        def die(taken: int, _: StopFlag) -> None:
            if taken == mini_batch:
                raise OSError("the disk is gone")

        attempt(job, die, number=number)

    for number, mini_batch in enumerate((3, 5, 7), 1):
        lose(number, mini_batch)
        assert bench.job(job).status is Status.QUEUED
    lose(4, 7)
    failed = bench.job(job)
    assert failed.status is Status.FAILED
    assert failed.reason is not None
    assert failed.reason.code is Reason.WORKER_LOST
    assert "2 attempts were lost" in failed.reason.detail


def test_pending_checkpoints_are_replaced_by_newer_ones(bench: "Bench") -> None:
    weights = {"dense": {"weights": np.zeros(1000, np.float32)}}
    made = Checkpoints(CheckpointPolicy(), bench.blobs, patience=1, room=10_000)
    pending = [made.make(Checkpoint("jax", epoch, 0, epoch, (), weights)) for epoch in range(1, 5)]
    stored = [each.store() for each in pending]
    assert [each.epoch for each in stored if isinstance(each, StoredCheckpoint)] == [3, 4]
    assert stored[:2] == [None, None]
