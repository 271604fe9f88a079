"""The memory that unrecorded results of an attempt take."""

import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest

from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.requests import CheckpointPolicy, Hyperparameters
from pippin.blobs import Blobs
from pippin.jobs.checkpoints import Checkpoint
from pippin.store import Claim, StoreUnavailable
from tests.support.waiting import wait_for
from worker.attempt.checkpoints import Checkpoints
from worker.attempt.outbox import Outbox
from worker.attempt.report import Report
from worker.engines.engine import EpochResult
from worker.stop import StopFlag

EPOCHS = 1100
BYTES = 4 * 2**20


class AttemptsAway:
    """A fake store that refuses writes until `back` is set; the test measures this process's memory."""

    def __init__(self) -> None:
        self.back = threading.Event()
        self.epochs: list[int] = []
        self.detailed: list[int] = []
        self.lines: list[str] = []

    def epoch(self, _claim: Claim, metrics: EpochMetrics, batches: BatchLosses | None, _stored: object) -> None:
        self._check()
        self.epochs.append(metrics.epoch)
        if batches:
            self.detailed.append(metrics.epoch)

    def log(self, _claim: Claim, line: str, *, line_id: str) -> None:  # noqa: ARG002 - as the store has it
        self._check()
        self.lines.append(line)

    def _check(self) -> None:
        if not self.back.is_set():
            raise StoreUnavailable("Redis has reached its maxmemory and refuses writes")


def train(report: Report) -> None:
    """Epochs of 5,000 mini-batches and a checkpoint of 400 KB each: 600 MB in all."""
    for epoch in range(1, EPOCHS + 1):
        losses = tuple(np.random.default_rng(epoch).random(5000).tolist())
        result = EpochResult(epoch, 0.5, None, None, 0.01, 1000.0, losses)
        weights = {"dense": {"weights": np.zeros(100_000, np.float32)}}
        report.epoch_ended(result, lambda: Checkpoint("jax", 1, 0, 1, (), weights))  # noqa: B023 - called at once


@pytest.mark.full
def test_outage_bounds_memory_and_loses_no_epoch(blobs: Blobs) -> None:
    attempts: Any = AttemptsAway()
    stop = StopFlag()
    checkpoints = Checkpoints(CheckpointPolicy(), blobs, patience=1, room=BYTES)
    with Outbox(stop, max_bytes=BYTES) as outbox:
        report = Report(
            attempts,
            Claim("default", "job_1", 1, "token"),
            outbox,
            stop,
            engine="jax",
            hyperparameters=Hyperparameters(epochs=EPOCHS, shuffle=True, seed=1),
            checkpoints=checkpoints,
            last=None,
            max_batch_losses=1000,
        )
        training = threading.Thread(target=train, args=(report,))
        tracemalloc.start()
        try:
            training.start()
            wait_for(lambda: outbox.dropped > 900)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert training.is_alive()
        attempts.back.set()
        training.join(60)
        assert not training.is_alive()
        assert outbox.flush(30)
    assert peak < 20 * 2**20
    assert attempts.epochs == list(range(1, EPOCHS + 1))
    # Details of the oldest epochs are dropped first.
    assert 1 not in attempts.detailed
    assert "mini-batch losses were dropped" in attempts.lines[0]
