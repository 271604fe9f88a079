"""A service in a separate process that holds a record of every kind."""

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.models.spec.presets import preset
from pippin.store import Store, connect
from tests.service.conftest import MakeTrainer
from tests.support.records import stored_checkpoint, worker_report
from tests.support.service_process import ServiceProcess

WORKER = "contract-0a"
_BEAT_SECONDS = 10


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServiceProcess]:
    limits = {"max_body_bytes": 1_000_000, "max_dataset_bytes": 2_000_000, "max_model_bytes": 5_000_000}
    with ServiceProcess(tmp_path / "home", **limits) as running:
        yield running


@pytest.fixture
def records(process: ServiceProcess) -> Iterator[Store]:
    """The records of the service in the process."""
    store = Store(connect(process.valkey.url))
    yield store
    store.close()


@pytest.fixture
def worker(records: Store) -> Iterator[str]:
    """The name of a worker that sends heartbeats during the test, and trains nothing."""
    report = worker_report(name=WORKER, started_at=datetime.now(UTC))
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_BEAT_SECONDS):
            records.workers.heartbeat(report)

    records.workers.heartbeat(report)
    heart = threading.Thread(target=beat)
    heart.start()
    yield WORKER
    over.set()
    heart.join()


@pytest.fixture
def held(process: ServiceProcess, records: Store, worker: str, trainer: MakeTrainer, tiny_npz: bytes) -> dict[str, str]:
    """Ids and names of the service's records: a dataset, a model, a worker, and jobs in several states."""
    body: dict[str, Any] = {"model": {"preset": "mnist-cnn"}, "dataset": "contract", "hyperparameters": {"epochs": 1}}
    states = ("trained", "failed", "queued", "resting", "doomed")
    with httpx2.Client(base_url=process.url, timeout=60) as http:
        http.post("/datasets?name=contract", content=tiny_npz).raise_for_status()
        http.post("/models?name=contract", json=preset("mnist-cnn")).raise_for_status()
        jobs = {state: http.post("/jobs", json=body).raise_for_status().json()["id"] for state in states}
        file = http.head("/models/contract/file").headers
        checkpoint = _checkpoint(http)
    digest, size = file["etag"].strip('"'), int(file["content-length"])
    trained, failed = (trainer(jobs[state], records) for state in ("trained", "failed"))
    for attempt in (trained, failed):
        attempt.begin()
        attempt.artifact("initial", f"sha256:{digest}", size)
        attempt.epoch(1, checkpoint=checkpoint)
    trained.succeed(f"sha256:{digest}", size)
    failed.fail()
    return jobs | {"blob": digest, "worker": worker}


def _checkpoint(http: httpx2.Client) -> StoredCheckpoint:
    """A stored checkpoint of the end of epoch 1."""
    weights = {"hidden2": {"bias": np.arange(10, dtype=np.float32)}}
    made = Checkpoint(
        engine="jax", epoch=1, step=0, taken=1, batch_sums=(), weights=weights, moments=(weights, weights)
    )
    data = write_checkpoint(made)
    digest = hashlib.sha256(data).hexdigest()
    http.put(f"/blobs/{digest}", content=data).raise_for_status()
    return stored_checkpoint(digest=f"sha256:{digest}", bytes=len(data), created_at=datetime.now(UTC))
