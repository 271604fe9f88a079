"""Attempts in the test's process, from claim to settlement, with the real engine and with engines that fail."""

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from pippin.api.jobs import Job
from pippin.api.states import Reason, Status
from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.models.mlmodel import Weights, build, inference_variant, read
from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec import resolve
from pippin.store import Claim, keys, new_token
from pippin.store.records import compact
from worker.attempt.run import AttemptContext, run
from worker.child import Assignment
from worker.engines.engine import Engine, EngineError, EpochResult, Observer, Stopped, TrainingRun
from worker.engines.jax.engine import JaxEngine
from worker.stop import Cause, StopFlag

if TYPE_CHECKING:
    from tests.worker.conftest import Bench

TENANT = "default"


@dataclass
class Scripted:
    """An engine that calls `script` during training and returns the initial weights."""

    script: Callable[[TrainingRun, Observer], object]
    runs: list[TrainingRun] = field(default_factory=list)
    name: str = "jax"

    def warm_up(self) -> None:
        pass

    def train(self, run: TrainingRun, observer: Observer) -> Weights:
        self.runs.append(run)
        observer.training_began()
        self.script(run, observer)
        return read(run.model).weights


def _epoch(number: int, **changes: object) -> EpochResult:
    fields: dict[str, Any] = {
        "epoch": number,
        "loss": 0.5,
        "validation_loss": 0.25,
        "validation_accuracy": 0.75,
        "seconds": 0.1,
        "examples_per_second": 3000.0,
        "batch_losses": None,
        "learning_rate": 0.125,
    }
    return EpochResult(**fields | changes)


def _until_stopped(_: TrainingRun, observer: Observer) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if observer.stop_requested():
            raise Stopped
        pause.wait(0.01)
    pytest.fail("nobody asked the training to stop")


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    """The log; structlog's own rendering of a traceback takes seconds."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def attempt(bench: "Bench", home: Path) -> Callable[..., Claim]:
    """Makes one attempt at a job with an engine."""

    def make(
        job: Job,
        engine: Engine,
        *,
        number: int = 1,
        stop: StopFlag | None = None,
        blobs: Blobs | None = None,
        training_bytes: int | None = None,
        max_batch_losses: int = 1000,
    ) -> Claim:
        claim = Claim(TENANT, job.id, number, new_token())
        used = blobs or bench.blobs
        cache = BlobCache(home / "cache" / "blobs", 10**9, used)
        tools = AttemptContext(
            store=bench.store,
            blobs=used,
            cache=cache,
            engine=engine,
            renew_seconds=0.1,
            blob_seconds=0.5,
            training_bytes=training_bytes,
            max_batch_losses=max_batch_losses,
        )
        run(Assignment(claim, "bench", engine.name), tools, stop or StopFlag())
        return claim

    return make


def test_a_job_is_trained_from_claim_to_artifacts(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit(hyperparameters={"epochs": 4, "learning_rate": 0.5}, report="batch")
    attempt(job, JaxEngine())
    done = bench.job(job)
    assert done.status is Status.SUCCEEDED
    assert [(each.from_, each.to) for each in done.transitions][1:] == [
        (Status.QUEUED, Status.STARTING),
        (Status.STARTING, Status.RUNNING),
        (Status.RUNNING, Status.SUCCEEDED),
    ]
    (made,) = done.attempts
    assert (made.worker, made.engine, made.status) == ("bench", "jax", "succeeded")

    epochs = bench.events(job, "epoch")
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3, 4]
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    assert epochs[-1]["validation_accuracy"] > 0.9
    assert {epoch["learning_rate"] for epoch in epochs} == {0.5}
    assert [len(event["losses"]) for event in bench.events(job, "batches")] == [30] * 4
    assert any("JAX" in event["line"] for event in bench.events(job, "log"))

    initial, trained = bench.artifact(job, "initial"), bench.artifact(job, "trained")
    assert initial == build(resolve(bench.store.jobs.spec(TENANT, job.id)))
    before, after = read(initial), read(trained)
    assert after.resolved.spec == before.resolved.spec
    assert not np.array_equal(after.weights["dense"]["weights"], before.weights["dense"]["weights"])
    assert bench.artifact(job, "inference") == inference_variant(trained)
    assert after.metadata["pippin.dataset"] == bench.manifest.digest
    assert after.metadata["pippin.scale.x"] == "1.0"
    assert '"learning_rate": 0.5' in after.metadata["pippin.hyperparameters"]
    assert str(epochs[-1]["loss"]) in after.metadata["pippin.metrics"]


def test_uploaded_file_is_trained_unchanged(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    model = parse(build(resolve(bench.spec)))
    model.description.input[0].shortDescription = "kept, though no spec says it"
    data = serialize(model)
    job = bench.submit(digest=bench.blobs.put_bytes(data))
    attempt(job, JaxEngine())
    assert bench.job(job).status is Status.SUCCEEDED
    assert bench.artifact(job, "initial") == data
    trained = bench.artifact(job, "trained")
    assert parse(trained).description.input[0].shortDescription == "kept, though no spec says it"
    assert read(trained).weights.keys() == read(data).weights.keys()


def test_spec_in_a_blob_builds_the_same_file_as_spec_in_the_record(
    bench: "Bench", attempt: Callable[..., Claim]
) -> None:
    document = compact(resolve(bench.spec).spec.document()).encode()
    jobs = [bench.submit(), bench.submit(spec_digest=bench.blobs.put_bytes(document))]
    for job in jobs:
        attempt(job, JaxEngine())
    assert bench.store.jobs.spec(TENANT, jobs[1].id) == {}
    first, second = ({each.variant: each.digest for each in bench.job(job).artifacts} for job in jobs)
    assert first["initial"] == second["initial"]
    assert set(second) == {"initial", "trained", "inference"}


def test_missing_spec_blob_fails_the_job_as_invalid_model(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit(spec_digest="sha256:" + "0" * 64)
    attempt(job, JaxEngine())
    done = bench.job(job)
    assert done.reason is not None
    assert done.reason.code is Reason.INVALID_MODEL
    assert "the spec of the model was deleted" in done.reason.detail


@pytest.mark.parametrize(("most", "every"), [(30, 1), (29, 2), (10, 3), (1, 30)])
def test_mini_batch_losses_are_thinned_evenly(
    bench: "Bench", attempt: Callable[..., Claim], most: int, every: int
) -> None:
    losses = tuple(number / 8 for number in range(1, 31))
    job = bench.submit(report="batch")
    attempt(job, Scripted(lambda _, seen: seen.epoch_ended(_epoch(1, batch_losses=losses))), max_batch_losses=most)
    (event,) = bench.events(job, "batches")
    assert (event["every"], event["count"]) == (every, 30)
    assert event["losses"] == list(losses[every - 1 :: every])
    assert len(event["losses"]) <= most


def test_training_over_the_memory_limit_fails_before_it_begins(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit(digest=bench.blobs.put_bytes(build(resolve(bench.spec))))
    attempt(job, JaxEngine(), training_bytes=100)
    done = bench.job(job)
    assert done.reason is not None
    assert done.reason.code is Reason.OUT_OF_MEMORY
    assert "100 bytes are allowed" in done.reason.detail
    assert bench.events(job, "epoch") == []


def test_missing_model_file_fails_the_job_as_invalid_model(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit(digest="sha256:" + "0" * 64)
    attempt(job, JaxEngine())
    done = bench.job(job)
    assert done.reason is not None
    assert done.reason.code is Reason.INVALID_MODEL
    assert "upload it again" in done.reason.detail


def test_widened_limits_apply_to_training_but_not_to_the_trained_file(
    bench: "Bench", attempt: Callable[..., Claim]
) -> None:
    spec = bench.spec | {"epochs": {"default": 2, "set": [2]}}
    job = bench.submit(spec=spec, hyperparameters={"epochs": 3}, limits="widen")
    assert job.request.widened == ["epochs"]
    seen: list[bytes] = []
    attempt(job, Scripted(lambda run, _: seen.append(run.model)))
    assert read(seen[0]).resolved.spec.epochs.allowed == (2, 3)
    assert read(bench.artifact(job, "trained")).resolved.spec.epochs.allowed == (2,)


def test_the_same_job_twice_gives_the_same_bytes(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    jobs = [bench.submit(hyperparameters={"shuffle": True}, dataset={"validation_fraction": 0.2}) for _ in range(2)]
    for job in jobs:
        attempt(job, JaxEngine())
    first, second = ({each.variant: each.digest for each in bench.job(job).artifacts} for job in jobs)
    assert set(first) == {"initial", "trained", "inference"}
    assert first == second


def test_engine_receives_the_requested_splits_and_reporting(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    engine = Scripted(lambda *_: None)
    attempt(bench.submit(dataset={"validation_fraction": 0.1}), engine)
    attempt(bench.submit(report="batch"), engine)
    held, split = engine.runs
    assert held.validation is not None
    assert split.validation is not None
    assert (held.training.count, held.validation.count) == (270, 30)
    assert (split.training.count, split.validation.count) == (300, 60)
    assert (held.report_batches, split.report_batches) == (False, True)
    assert held.hyperparameters.epochs == 3


def test_non_finite_loss_is_recorded_as_diverged(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    def diverge(_: TrainingRun, observer: Observer) -> None:
        observer.epoch_ended(_epoch(1, loss=math.inf, validation_loss=None, validation_accuracy=None))
        raise EngineError(Reason.DIVERGED, "the loss is inf at step 1 of epoch 1")

    job = bench.submit()
    attempt(job, Scripted(diverge))
    done = bench.job(job)
    assert done.status is Status.FAILED
    assert done.reason is not None
    assert done.reason.code is Reason.DIVERGED
    (epoch,) = bench.events(job, "epoch")
    assert (epoch["loss"], epoch["diverged"]) == (None, True)


def _raise(error: BaseException) -> Callable[..., None]:
    def script(*_: object) -> None:
        raise error

    return script


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (EngineError(Reason.OUT_OF_MEMORY, "no memory for 9 GB"), Reason.OUT_OF_MEMORY, "no memory for 9 GB"),
        (MemoryError(), Reason.OUT_OF_MEMORY, "mini_batch_size"),
        (RuntimeError("secret /path"), Reason.ENGINE_ERROR, "unexpected error (RuntimeError)"),
    ],
)
def test_engine_error_fails_the_job_with_a_readable_reason(
    bench: "Bench", attempt: Callable[..., Claim], error: Exception, reason: Reason, detail: str
) -> None:
    job = bench.submit()
    attempt(job, Scripted(_raise(error)))
    done = bench.job(job)
    assert done.status is Status.FAILED
    assert done.reason is not None
    assert done.reason.code is reason
    assert detail in done.reason.detail
    assert "secret" not in done.reason.detail


def test_deleted_dataset_fails_the_job_as_invalid_data(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit()
    bench.store.datasets.delete(TENANT, bench.manifest.id)
    attempt(job, Scripted(_raise(AssertionError("never reached"))))
    reason = bench.job(job).reason
    assert reason is not None
    assert reason.code is Reason.INVALID_DATA
    assert "was deleted" in reason.detail


def _invert(path: Path) -> None:
    path.write_bytes(bytes(255 - byte for byte in path.read_bytes()))


def _remove_the_middle(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("damage", [_invert, _remove_the_middle, Path.unlink])
@pytest.mark.parametrize("of_the_model", [False, True], ids=["dataset", "model"])
def test_damaged_blob_fails_the_job_and_is_named(
    bench: "Bench",
    attempt: Callable[..., Claim],
    home: Path,
    damage: Callable[[Path], None],
    *,
    of_the_model: bool,
) -> None:
    digest = bench.blobs.put_bytes(build(resolve(bench.spec))) if of_the_model else bench.manifest.digest
    job = bench.submit(digest=digest) if of_the_model else bench.submit()
    name = digest.removeprefix("sha256:")
    (home / "cache" / "blobs" / name).unlink(missing_ok=True)
    blob = home / "blobs" / name[:2] / name
    content = blob.read_bytes()
    damage(blob)
    try:
        attempt(job, Scripted(_raise(AssertionError("never reached"))))
    finally:
        blob.write_bytes(content)
    failed = bench.job(job)
    assert failed.status is Status.FAILED
    assert failed.reason is not None
    gone_model = of_the_model and damage is Path.unlink
    assert failed.reason.code is (Reason.INVALID_MODEL if gone_model else Reason.INVALID_DATA)
    assert digest in failed.reason.detail


def test_damaged_cached_dataset_is_fetched_again(bench: "Bench", attempt: Callable[..., Claim], home: Path) -> None:
    first, second = bench.submit(), bench.submit()
    attempt(first, JaxEngine())
    _invert(home / "cache" / "blobs" / bench.manifest.digest.removeprefix("sha256:"))
    attempt(second, JaxEngine())
    assert bench.job(second).status is Status.SUCCEEDED
    losses = [[epoch["loss"] for epoch in bench.events(job, "epoch")] for job in (first, second)]
    assert losses[0] == losses[1]


def test_epoch_on_damaged_data_is_not_recorded(bench: "Bench", attempt: Callable[..., Claim], home: Path) -> None:
    job = bench.submit(max_attempts=3)

    def damage_between_epochs(_: TrainingRun, observer: Observer) -> None:
        observer.training_began()
        observer.epoch_ended(_epoch(1))
        _invert(home / "cache" / "blobs" / bench.manifest.digest.removeprefix("sha256:"))
        observer.epoch_ended(_epoch(2))

    attempt(job, Scripted(damage_between_epochs))
    lost = bench.job(job)
    assert (lost.status, lost.attempts[0].status) == (Status.QUEUED, "lost")
    assert [epoch["epoch"] for epoch in bench.events(job, "epoch")] == [1]
    attempt(job, JaxEngine(), number=2)
    assert bench.job(job).status is Status.SUCCEEDED


def test_unavailable_blob_store_counts_as_a_lost_attempt(
    bench: "Bench", attempt: Callable[..., Claim], tmp_path: Path
) -> None:
    away = Blobs((tmp_path / "blobs").as_uri())
    (tmp_path / "blobs").rmdir()
    (tmp_path / "blobs").write_text("not a folder")
    job = bench.submit(max_attempts=2)
    attempt(job, Scripted(lambda *_: None), blobs=away)
    lost = bench.job(job)
    assert lost.status is Status.QUEUED
    assert lost.attempts[0].status == "lost"
    attempt(job, Scripted(lambda *_: None), number=2, blobs=away)
    failed = bench.job(job)
    assert failed.status is Status.FAILED
    assert failed.reason is not None
    assert failed.reason.code is Reason.WORKER_LOST
    assert "2 attempts were lost" in failed.reason.detail


def test_a_cancel_stops_the_training(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit()

    def cancel_then_wait(run: TrainingRun, observer: Observer) -> None:
        bench.store.jobs.cancel(TENANT, job.id)
        _until_stopped(run, observer)

    attempt(job, Scripted(cancel_then_wait))
    done = bench.job(job)
    assert done.status is Status.CANCELLED
    assert done.attempts[0].status == "cancelled"


def test_cancel_at_the_end_of_training_wins_over_success(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit()
    attempt(job, Scripted(lambda *_: bench.store.jobs.cancel(TENANT, job.id)))
    assert bench.job(job).status is Status.CANCELLED


def test_job_fails_when_its_timeout_has_passed(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit(timeout_seconds=0.2)
    attempt(job, Scripted(_until_stopped))
    done = bench.job(job)
    assert done.status is Status.FAILED
    assert done.reason is not None
    assert done.reason.code is Reason.TIMEOUT


def test_terminated_attempt_hands_the_job_back(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job, stop = bench.submit(max_attempts=1), StopFlag()

    def terminate_then_wait(run: TrainingRun, observer: Observer) -> None:
        stop.set(Cause.TERMINATED)
        _until_stopped(run, observer)

    attempt(job, Scripted(terminate_then_wait), stop=stop)
    back = bench.job(job)
    assert back.status is Status.QUEUED
    assert back.attempts[0].status == "handed_back"
    attempt(job, Scripted(lambda *_: None), number=2)
    assert bench.job(job).status is Status.SUCCEEDED


def test_superseded_attempt_stops_and_writes_nothing_more(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job, stop = bench.submit(), StopFlag()
    newer = Claim(TENANT, job.id, 2, new_token())

    def taken_away(run: TrainingRun, observer: Observer) -> None:
        present = bench.store.redis.hget(keys.job(TENANT, job.id).job, "token")
        bench.store.attempts.hand_back(Claim(TENANT, job.id, 1, str(present)))
        bench.store.attempts.claim(newer, worker="other", engine="jax")
        observer.epoch_ended(_epoch(1))
        _until_stopped(run, observer)

    attempt(job, Scripted(taken_away), stop=stop)
    assert stop.cause is Cause.LEASE_LOST
    assert bench.events(job, "epoch") == []
    after = bench.job(job)
    assert after.status is Status.STARTING, "the newer attempt goes on"
    assert [each.status for each in after.attempts] == ["handed_back", "starting"]
    assert {each.variant for each in after.artifacts} <= {"initial"}


def test_job_cancelled_while_queued_is_not_trained(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit()
    bench.store.jobs.cancel(TENANT, job.id)
    engine = Scripted(lambda *_: None)
    attempt(job, engine)
    assert engine.runs == []
    assert bench.job(job).attempts == []


def test_the_lease_is_renewed_while_the_training_lasts(bench: "Bench", attempt: Callable[..., Claim]) -> None:
    job = bench.submit()
    leases: list[float] = []

    def watch_the_lease(*_: object) -> None:
        pause = threading.Event()
        for _ in range(1000):
            ends = bench.store.redis.zscore(keys.LEASES, keys.member(TENANT, job.id))
            assert ends is not None
            leases.append(float(ends))
            if leases[-1] > leases[0]:
                return
            pause.wait(0.01)
        pytest.fail("the lease was not renewed")

    attempt(job, Scripted(watch_the_lease))
    assert bench.job(job).status is Status.SUCCEEDED
