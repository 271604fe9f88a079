"""Attempts that write checkpoints and attempts that resume from them; the engine's weights count mini-batches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Job
from pippin.api.requests import CheckpointPolicy
from pippin.api.states import Reason, Status
from pippin.blobs import BlobError, Blobs
from pippin.jobs.checkpoints import Checkpoint, read_checkpoint
from pippin.models.mlmodel import Weights, read
from tests.support.waiting import wait_for
from tests.worker.attempt.conftest import Attempt
from tests.worker.conftest import TENANT, Bench
from worker.attempt.checkpoints import Checkpoints
from worker.engines.engine import EpochResult, Observer, Stopped, TrainingRun
from worker.stop import Cause, StopFlag

Hook = Callable[[int, StopFlag], None]
EPOCHS = 5


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
                observer.epoch_ended(result, partial(self._at, training, 2 * done))
        return self._at(training, 2 * training.hyperparameters.epochs).weights

    def _at(self, training: TrainingRun, taken: int) -> Checkpoint:
        epoch, step = divmod(taken, 2)
        weights = {
            layer: {key: array + np.float32(taken) for key, array in arrays.items()}
            for layer, arrays in read(training.model).weights.items()
        }
        return Checkpoint("jax", epoch, step, taken, (0.5,) * step, weights)


class StoppedAtTheEnd(Counting):
    def train(self, training: TrainingRun, observer: Observer) -> Weights:
        super().train(training, observer)
        raise Stopped


Count = Callable[..., Counting]


@pytest.fixture
def count(attempt: Attempt) -> Count:
    """Makes one attempt; `before` may set the attempt's stop flag or change the job concurrently."""

    def make(
        job: Job, before: Hook = lambda *_: None, *, engine: type[Counting] = Counting, **options: object
    ) -> Counting:
        counting = engine(StopFlag(), before)
        attempt(job, counting, stop=counting.stop, **options)
        return counting

    return make


def submit(bench: Bench, *, every_epochs: int = 1, keep: int = 3, **request: object) -> Job:
    """A queued job of five epochs."""
    policy = CheckpointPolicy(every_epochs=every_epochs, keep=keep)
    return bench.submit(hyperparameters={"epochs": EPOCHS}, checkpoint=policy, **request)


def at(mini_batch: int, cause: Cause) -> Hook:
    return lambda taken, stop: stop.set(cause) if taken == mini_batch else None


def checkpointed_epochs(bench: Bench, job: Job) -> list[int]:
    return [each.epoch for each in bench.store.jobs.checkpoints(TENANT, job.id)]


def assert_trained_once(bench: Bench, job: Job) -> None:
    """The job has succeeded; each mini-batch and each epoch counts once."""
    assert bench.job(job).status is Status.SUCCEEDED
    assert bench.epochs(job) == [1, 2, 3, 4, 5]
    before, after = (read(bench.artifact(job, name)).weights["dense"]["weights"] for name in ("initial", "trained"))
    assert after.flat[0] - before.flat[0] == 2 * EPOCHS


def test_every_epoch_has_its_checkpoint_and_the_newest_are_kept(bench: Bench, count: Count) -> None:
    job = submit(bench, keep=2)
    count(job)
    done = bench.job(job)
    assert done.status is Status.SUCCEEDED
    assert checkpointed_epochs(bench, job) == [4, 5]
    assert done.checkpoint == bench.store.jobs.checkpoints(TENANT, job.id)[-1]
    assert read_checkpoint(b"".join(bench.blobs.read(done.checkpoint.digest))).epoch == 5
    types = [event.type for event in bench.store.events.all(TENANT, job.id, "0-0")]
    assert [each for each in types if each in {"epoch", "checkpoint"}] == ["checkpoint", "epoch"] * EPOCHS


def test_checkpoint_interval_of_the_job_is_used(bench: Bench, count: Count) -> None:
    job = submit(bench, every_epochs=2)
    count(job)
    assert checkpointed_epochs(bench, job) == [2, 4]


@pytest.mark.parametrize("mini_batch", [0, 1, 2, 3, 9])
def test_handed_back_job_resumes_at_its_mini_batch(bench: Bench, count: Count, mini_batch: int) -> None:
    place = divmod(mini_batch, 2)
    job = submit(bench)
    count(job, at(mini_batch, Cause.TERMINATED))
    assert bench.standing(job) == (Status.QUEUED, ["handed_back"])
    (resumed,) = count(job, number=2).resumed
    assert resumed is not None
    assert (resumed.epoch, resumed.step) == place
    recorded = bench.job(job).attempts[1].resumed_from
    assert recorded is not None
    assert (recorded.epoch, recorded.step, recorded.notice) == (*place, "counted in another way")
    assert_trained_once(bench, job)


def test_pause_stores_a_checkpoint_and_the_job_resumes_from_it(bench: Bench, count: Count) -> None:
    job = submit(bench)

    def pause(taken: int, stop: StopFlag) -> None:
        if taken == 5:
            bench.store.jobs.pause(TENANT, job.id)
            wait_for(lambda: stop.cause)

    count(job, pause)
    assert bench.standing(job) == (Status.PAUSED, ["paused"])
    checkpoint = bench.job(job).checkpoint
    assert checkpoint is not None
    assert (checkpoint.epoch, checkpoint.step) == (2, 1)
    assert bench.store.jobs.resume(TENANT, job.id).status is Status.QUEUED
    count(job, number=2)
    assert_trained_once(bench, job)


def test_timed_out_attempt_keeps_its_checkpoint_for_a_retry(bench: Bench, count: Count) -> None:
    job = submit(bench)
    count(job, at(3, Cause.TIMED_OUT))
    assert bench.failure(job)[0] is Reason.TIMEOUT
    checkpoint = bench.job(job).checkpoint
    assert checkpoint is not None
    assert (checkpoint.epoch, checkpoint.step) == (1, 1)


def test_attempt_resumed_after_the_last_epoch_only_writes_the_model(bench: Bench, count: Count) -> None:
    twin, job = submit(bench), submit(bench)
    count(twin)
    count(job, engine=StoppedAtTheEnd)
    assert bench.job(job).status is Status.QUEUED
    (resumed,) = count(job, number=2).resumed
    assert resumed is not None
    assert resumed.epoch == EPOCHS
    assert bench.artifact(job, "trained") == bench.artifact(twin, "trained")


@pytest.mark.parametrize(
    ("seed", "harm"),
    [
        (11, Path.unlink),
        (12, lambda path: path.write_bytes(path.read_bytes()[:-1])),
        (13, lambda path: path.write_bytes(b"no checkpoint")),
    ],
    ids=["gone", "damaged", "foreign"],
)
def test_unreadable_checkpoint_is_replaced_by_the_previous_one(
    bench: Bench, count: Count, home: Path, seed: int, harm: Callable[[Path], object]
) -> None:
    # A separate model, whose checkpoints no cache holds.
    job = submit(bench, spec={**bench.spec, "initial_seed": seed})
    count(job, at(6, Cause.TERMINATED))
    newest = bench.job(job).checkpoint
    assert newest is not None
    assert newest.epoch == 3
    name = newest.digest.removeprefix("sha256:")
    harm(home / "blobs" / name[:2] / name)
    (resumed,) = count(job, number=2).resumed
    assert resumed is not None
    assert resumed.epoch == 2
    assert any("cannot be used" in event["line"] for event in bench.events(job, "log"))
    assert_trained_once(bench, job)


def test_long_blob_outage_loses_the_attempt_and_not_the_job(bench: Bench, count: Count, home: Path) -> None:
    class Failing(Blobs):
        def put_bytes(self, data: bytes) -> str:  # noqa: ARG002
            raise BlobError("the blobs are away")

    job = submit(bench)
    count(job, blobs=Failing((home / "blobs").as_uri()))
    assert bench.standing(job) == (Status.QUEUED, ["lost"])
    reason = bench.job(job).attempts[0].reason
    assert reason is not None
    assert "the blobs are away" in reason.detail
    count(job, number=2)
    assert bench.job(job).status is Status.SUCCEEDED


def test_lost_attempts_are_counted_since_the_last_new_checkpoint(bench: Bench, count: Count) -> None:
    job = submit(bench, max_attempts=2)

    def lose(number: int, mini_batch: int) -> None:
        def die(taken: int, _: StopFlag) -> None:
            if taken == mini_batch:
                raise OSError("the disk is gone")

        count(job, die, number=number)

    for number, mini_batch in enumerate((3, 5, 7), 1):
        lose(number, mini_batch)
        assert bench.job(job).status is Status.QUEUED
    lose(4, 7)
    code, detail = bench.failure(job)
    assert code is Reason.WORKER_LOST
    assert "2 attempts were lost" in detail


def test_pending_checkpoints_are_replaced_by_newer_ones(bench: Bench) -> None:
    weights = {"dense": {"weights": np.zeros(1000, np.float32)}}
    made = Checkpoints(CheckpointPolicy(), bench.blobs, patience=1, room=10_000)
    pending = [made.make(Checkpoint("jax", epoch, 0, epoch, (), weights)) for epoch in range(1, 5)]
    stored = [each.store() for each in pending]
    assert [each.epoch for each in stored if isinstance(each, StoredCheckpoint)] == [3, 4]
    assert stored[:2] == [None, None]
