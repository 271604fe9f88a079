"""Attempts from claim to settlement, with the real engine and with engines that fail."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pippin.api.states import Reason, Status
from pippin.blobs import Blobs
from pippin.models.mlmodel import Weights, build, inference_variant, read
from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec import resolve
from pippin.store import Claim, keys, new_token
from pippin.store.records import compact
from tests.support.waiting import wait_for
from tests.worker.attempt.conftest import Attempt
from tests.worker.conftest import TENANT, Bench
from worker.engines.engine import EngineError, EpochResult, Observer, Stopped, TrainingRun
from worker.engines.jax.engine import JaxEngine
from worker.stop import Cause, StopFlag

ABSENT = "sha256:" + "0" * 64
FILES = {"initial", "trained", "inference"}


@dataclass
class Scripted:
    """An engine that calls `script` during training and returns the initial weights."""

    script: Callable[[TrainingRun, Observer], object] = lambda *_: None
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
    wait_for(observer.stop_requested, "the training was not asked to stop")
    raise Stopped


def _raising(error: BaseException) -> Scripted:
    def script(*_: object) -> None:
        raise error

    return Scripted(script)


def _file(bench: Bench) -> bytes:
    return build(resolve(bench.spec))


def test_a_job_is_trained_from_claim_to_artifacts(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit(hyperparameters={"epochs": 4, "learning_rate": 0.5}, report="batch")
    attempt(job, JaxEngine())
    done = bench.job(job)
    assert [each.to for each in done.transitions][1:] == [Status.STARTING, Status.RUNNING, Status.SUCCEEDED]
    assert [each.from_ for each in done.transitions][1:] == [Status.QUEUED, Status.STARTING, Status.RUNNING]
    assert [(each.worker, each.engine, each.status) for each in done.attempts] == [("bench", "jax", "succeeded")]

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


def test_uploaded_file_is_trained_unchanged(bench: Bench, attempt: Attempt) -> None:
    model = parse(_file(bench))
    model.description.input[0].shortDescription = "kept, though no spec says it"
    data = serialize(model)
    job = bench.submit(digest=bench.blobs.put_bytes(data))
    attempt(job, JaxEngine())
    assert bench.job(job).status is Status.SUCCEEDED
    assert bench.artifact(job, "initial") == data
    trained = bench.artifact(job, "trained")
    assert parse(trained).description.input[0].shortDescription == "kept, though no spec says it"
    assert read(trained).weights.keys() == read(data).weights.keys()


def test_spec_in_a_blob_builds_the_same_file_as_spec_in_the_record(bench: Bench, attempt: Attempt) -> None:
    document = compact(resolve(bench.spec).spec.document()).encode()
    jobs = [bench.submit(), bench.submit(spec_digest=bench.blobs.put_bytes(document))]
    for job in jobs:
        attempt(job, Scripted())
    assert bench.store.jobs.spec(TENANT, jobs[1].id) == {}
    first, second = map(bench.digests, jobs)
    assert first["initial"] == second["initial"]
    assert set(second) == FILES


@pytest.mark.parametrize(
    ("source", "detail"), [("spec_digest", "the spec of the model was deleted"), ("digest", "upload it again")]
)
def test_missing_model_blob_fails_the_job_as_invalid_model(
    bench: Bench, attempt: Attempt, source: str, detail: str
) -> None:
    job = bench.submit(**{source: ABSENT})
    attempt(job, Scripted())
    code, found = bench.failure(job)
    assert code is Reason.INVALID_MODEL
    assert detail in found


@pytest.mark.parametrize(("most", "every"), [(30, 1), (29, 2), (10, 3), (1, 30)])
def test_mini_batch_losses_are_thinned_evenly(bench: Bench, attempt: Attempt, most: int, every: int) -> None:
    losses = tuple(number / 8 for number in range(1, 31))
    job = bench.submit(report="batch")
    attempt(job, Scripted(lambda _, seen: seen.epoch_ended(_epoch(1, batch_losses=losses))), max_batch_losses=most)
    (event,) = bench.events(job, "batches")
    assert (event["every"], event["count"]) == (every, 30)
    assert event["losses"] == list(losses[every - 1 :: every])
    assert len(event["losses"]) <= most


def test_training_over_the_memory_limit_fails_before_it_begins(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit(digest=bench.blobs.put_bytes(_file(bench)))
    attempt(job, JaxEngine(), training_bytes=100)
    code, detail = bench.failure(job)
    assert code is Reason.OUT_OF_MEMORY
    assert "100 bytes are allowed" in detail
    assert bench.epochs(job) == []


def test_widened_limits_apply_to_training_but_not_to_the_trained_file(bench: Bench, attempt: Attempt) -> None:
    spec = bench.spec | {"epochs": {"default": 2, "set": [2]}}
    job = bench.submit(spec=spec, hyperparameters={"epochs": 3}, limits="widen")
    assert job.request.widened == ["epochs"]
    engine = Scripted()
    attempt(job, engine)
    assert read(engine.runs[0].model).resolved.spec.epochs.allowed == (2, 3)
    assert read(bench.artifact(job, "trained")).resolved.spec.epochs.allowed == (2,)


def test_the_same_job_twice_gives_the_same_bytes(bench: Bench, attempt: Attempt) -> None:
    jobs = [bench.submit(hyperparameters={"shuffle": True}, dataset={"validation_fraction": 0.2}) for _ in range(2)]
    for job in jobs:
        attempt(job, JaxEngine())
    first, second = map(bench.digests, jobs)
    assert set(first) == FILES
    assert first == second


def test_engine_receives_the_requested_splits_and_reporting(bench: Bench, attempt: Attempt) -> None:
    engine = Scripted()
    attempt(bench.submit(dataset={"validation_fraction": 0.1}), engine)
    attempt(bench.submit(report="batch"), engine)
    assert [
        (run.training.count, run.validation and run.validation.count, run.report_batches) for run in engine.runs
    ] == [
        (270, 30, False),
        (300, 60, True),
    ]
    assert engine.runs[0].hyperparameters.epochs == 3


def test_non_finite_loss_is_recorded_as_diverged(bench: Bench, attempt: Attempt) -> None:
    def diverge(_: TrainingRun, observer: Observer) -> None:
        observer.epoch_ended(_epoch(1, loss=math.inf, validation_loss=None, validation_accuracy=None))
        raise EngineError(Reason.DIVERGED, "the loss is inf at step 1 of epoch 1")

    job = bench.submit()
    attempt(job, Scripted(diverge))
    assert bench.failure(job)[0] is Reason.DIVERGED
    (epoch,) = bench.events(job, "epoch")
    assert (epoch["loss"], epoch["diverged"]) == (None, True)


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (EngineError(Reason.OUT_OF_MEMORY, "no memory for 9 GB"), Reason.OUT_OF_MEMORY, "no memory for 9 GB"),
        (MemoryError(), Reason.OUT_OF_MEMORY, "mini_batch_size"),
        (RuntimeError("secret /path"), Reason.ENGINE_ERROR, "unexpected error (RuntimeError)"),
    ],
)
def test_engine_error_fails_the_job_with_a_readable_reason(
    bench: Bench, attempt: Attempt, error: Exception, reason: Reason, detail: str
) -> None:
    job = bench.submit()
    attempt(job, _raising(error))
    code, found = bench.failure(job)
    assert code is reason
    assert detail in found
    assert "secret" not in found


def test_deleted_dataset_fails_the_job_as_invalid_data(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit()
    bench.store.datasets.delete(TENANT, bench.manifest.id)
    attempt(job, _raising(AssertionError("never reached")))
    code, detail = bench.failure(job)
    assert code is Reason.INVALID_DATA
    assert "was deleted" in detail


def _invert(path: Path) -> None:
    path.write_bytes(bytes(255 - byte for byte in path.read_bytes()))


def _remove_the_second_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _cached(home: Path, digest: str) -> Path:
    return home / "cache" / "blobs" / digest.removeprefix("sha256:")


@pytest.mark.parametrize("damage", [_invert, _remove_the_second_half, Path.unlink])
@pytest.mark.parametrize("of_the_model", [False, True], ids=["dataset", "model"])
def test_damaged_blob_fails_the_job_and_is_named(
    bench: Bench, attempt: Attempt, home: Path, damage: Callable[[Path], None], *, of_the_model: bool
) -> None:
    digest = bench.blobs.put_bytes(_file(bench)) if of_the_model else bench.manifest.digest
    job = bench.submit(digest=digest) if of_the_model else bench.submit()
    cached = _cached(home, digest)
    cached.unlink(missing_ok=True)
    blob = home / "blobs" / cached.name[:2] / cached.name
    content = blob.read_bytes()
    damage(blob)
    try:
        attempt(job, _raising(AssertionError("never reached")))
    finally:
        blob.write_bytes(content)
    code, detail = bench.failure(job)
    model_is_gone = of_the_model and damage is Path.unlink
    assert code is (Reason.INVALID_MODEL if model_is_gone else Reason.INVALID_DATA)
    assert digest in detail


def test_damaged_cached_dataset_is_fetched_again(bench: Bench, attempt: Attempt, home: Path) -> None:
    first, second = bench.submit(), bench.submit()
    attempt(first, JaxEngine())
    _invert(_cached(home, bench.manifest.digest))
    attempt(second, JaxEngine())
    assert bench.job(second).status is Status.SUCCEEDED
    losses = [[epoch["loss"] for epoch in bench.events(job, "epoch")] for job in (first, second)]
    assert losses[0] == losses[1]


def test_epoch_on_damaged_data_is_not_recorded(bench: Bench, attempt: Attempt, home: Path) -> None:
    job = bench.submit(max_attempts=3)

    def damage_between_epochs(_: TrainingRun, observer: Observer) -> None:
        observer.training_began()
        observer.epoch_ended(_epoch(1))
        _invert(_cached(home, bench.manifest.digest))
        observer.epoch_ended(_epoch(2))

    attempt(job, Scripted(damage_between_epochs))
    assert bench.standing(job) == (Status.QUEUED, ["lost"])
    assert bench.epochs(job) == [1]
    attempt(job, JaxEngine(), number=2)
    assert bench.job(job).status is Status.SUCCEEDED


def test_unavailable_blob_store_counts_as_a_lost_attempt(bench: Bench, attempt: Attempt, tmp_path: Path) -> None:
    away = Blobs((tmp_path / "blobs").as_uri())
    (tmp_path / "blobs").rmdir()
    (tmp_path / "blobs").write_text("not a folder")
    job = bench.submit(max_attempts=2)
    attempt(job, Scripted(), blobs=away)
    assert bench.standing(job) == (Status.QUEUED, ["lost"])
    attempt(job, Scripted(), number=2, blobs=away)
    code, detail = bench.failure(job)
    assert code is Reason.WORKER_LOST
    assert "2 attempts were lost" in detail


def test_a_cancel_stops_the_training(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit()

    def cancel_then_wait(run: TrainingRun, observer: Observer) -> None:
        bench.store.jobs.cancel(TENANT, job.id)
        _until_stopped(run, observer)

    attempt(job, Scripted(cancel_then_wait))
    assert bench.standing(job) == (Status.CANCELLED, ["cancelled"])


def test_cancel_at_the_end_of_training_wins_over_success(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit()
    attempt(job, Scripted(lambda *_: bench.store.jobs.cancel(TENANT, job.id)))
    assert bench.job(job).status is Status.CANCELLED


def test_job_fails_when_its_timeout_has_passed(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit(timeout_seconds=0.2)
    attempt(job, Scripted(_until_stopped))
    assert bench.failure(job)[0] is Reason.TIMEOUT


def test_terminated_attempt_hands_the_job_back(bench: Bench, attempt: Attempt) -> None:
    job, stop = bench.submit(max_attempts=1), StopFlag()

    def terminate_then_wait(run: TrainingRun, observer: Observer) -> None:
        stop.set(Cause.TERMINATED)
        _until_stopped(run, observer)

    attempt(job, Scripted(terminate_then_wait), stop=stop)
    assert bench.standing(job) == (Status.QUEUED, ["handed_back"])
    attempt(job, Scripted(), number=2)
    assert bench.job(job).status is Status.SUCCEEDED


def test_superseded_attempt_stops_and_writes_nothing_more(bench: Bench, attempt: Attempt) -> None:
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
    assert bench.epochs(job) == []
    # The newer attempt goes on.
    assert bench.standing(job) == (Status.STARTING, ["handed_back", "starting"])
    assert set(bench.digests(job)) <= {"initial"}


def test_job_cancelled_while_queued_is_not_trained(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit()
    bench.store.jobs.cancel(TENANT, job.id)
    engine = Scripted()
    attempt(job, engine)
    assert engine.runs == []
    assert bench.job(job).attempts == []


def test_the_lease_is_renewed_while_the_training_lasts(bench: Bench, attempt: Attempt) -> None:
    job = bench.submit()

    def lease_end() -> float:
        return float(bench.store.redis.zscore(keys.LEASES, keys.member(TENANT, job.id)))

    def wait_for_renewal(*_: object) -> None:
        first = lease_end()
        wait_for(lambda: lease_end() > first, "the lease was not renewed")

    attempt(job, Scripted(wait_for_renewal))
    assert bench.job(job).status is Status.SUCCEEDED
