"""Trainings that are interrupted in real workers give the same bytes as an uninterrupted one."""

import os
import signal

import pytest

from pippin.api.jobs import Job
from pippin.api.states import Status
from tests.worker.conftest import TENANT, Bench, Start, WorkerProcess

# Whole processes take their time.
pytestmark = pytest.mark.full


ASKED = {"dataset": {"train": "long", "validation": "test"}, "report": "batch"}
HYPERPARAMETERS = {"epochs": 12, "mini_batch_size": 1, "learning_rate": 0.01, "momentum": 0.9}


@pytest.fixture(scope="module")
def worker(start: Start) -> WorkerProcess:
    return start("--name", "bench")


def _submit(bench: Bench) -> Job:
    # With momentum the engine has state besides the weights.
    optimizer = {**bench.spec["optimizer"], "momentum": {"default": 0.9, "min": 0, "max": 1}}
    return bench.submit(spec=bench.spec | {"optimizer": optimizer}, hyperparameters=HYPERPARAMETERS, **ASKED)  # type: ignore[arg-type]


def _epoch_metrics(bench: Bench, job: Job) -> list[tuple[object, ...]]:
    epochs = bench.events(job, "epoch")
    return [(each["epoch"], each["loss"], each["validation_loss"], each["validation_accuracy"]) for each in epochs]


def test_paused_and_killed_trainings_end_in_the_same_bytes(bench: Bench, worker: WorkerProcess) -> None:
    whole, paused, killed = (_submit(bench) for _ in range(3))
    bench.wait_until(whole, Status.SUCCEEDED)

    bench.wait_for_epoch(paused)
    bench.store.jobs.pause(TENANT, paused.id)
    resting = bench.wait_until(paused, Status.PAUSED)
    assert resting.checkpoint is not None
    assert resting.checkpoint.epoch >= 1
    bench.store.jobs.resume(TENANT, paused.id)

    bench.wait_for_epoch(killed)
    (child,) = worker.children()
    os.kill(child, signal.SIGKILL)
    bench.wait_until(killed, Status.SUCCEEDED)
    bench.wait_until(paused, Status.SUCCEEDED)

    for job, status in ((paused, "paused"), (killed, "lost")):
        done = bench.job(job)
        assert [each.status for each in done.attempts] == [status, "succeeded"]
        resumed = done.attempts[1].resumed_from
        assert resumed is not None
        assert resumed.epoch >= 1
        assert resumed.notice is None
        assert _epoch_metrics(bench, job) == _epoch_metrics(bench, whole)
        losses = [event["losses"] for event in bench.events(job, "batches")]
        assert losses == [event["losses"] for event in bench.events(whole, "batches")]
        assert bench.artifact(job, "trained") == bench.artifact(whole, "trained")
