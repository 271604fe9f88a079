"""Shared by the worker's tests: a separate server, a dataset, jobs on it, and functions that wait for them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from pippin.api.datasets import StoredManifest
from pippin.api.jobs import Job
from pippin.api.requests import DatasetSource, HyperparameterChoice, ResolvedModel, ResolvedRequest
from pippin.api.states import Reason, Status
from pippin.api.workers import WorkerReport
from pippin.blobs import Blobs
from pippin.datasets.binding import bind
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import prepare
from pippin.datasets.upload import Upload
from pippin.ids import new_id
from pippin.jobs.hyperparameters import resolve_hyperparameters
from pippin.local.valkey import EmbeddedValkey
from pippin.models.spec import resolve
from pippin.models.trainable import trainable_network
from pippin.store import Store
from tests.support.compiled_programs import shared_programs
from tests.support.records import worker_report
from tests.support.waiting import DEADLINE

__all__ = ["shared_programs"]

TENANT = "default"

# Three classes told apart by four numbers, of which one is larger than the others.
SPEC: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [4]}],
    "outputs": [{"name": "y", "shape": [3]}],
    "layers": [
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ],
    "loss": {"type": "categorical_cross_entropy", "target": "label"},
    "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 10},
    "epochs": 3,
    "seed": 1,
}


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A server that no other test's jobs are on: a worker would take them."""
    with EmbeddedValkey(tmp_path_factory.mktemp("worker-valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PIPPIN_HOME of the workers."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def blobs(home: Path) -> Blobs:
    """The blobs in it."""
    return Blobs((home / "blobs").as_uri())


# A job that lasts until it is stopped.
LONG: dict[str, Any] = {
    "dataset": {"train": "long", "validation": "test"},
    "hyperparameters": {"epochs": 100_000, "mini_batch_size": 1, "learning_rate": 0.001},
}


@dataclass(frozen=True)
class Bench:
    """A store and blobs with a dataset in them, and jobs to be made on it."""

    store: Store
    blobs: Blobs
    manifest: StoredManifest
    spec: dict[str, Any] = field(default_factory=lambda: dict(SPEC))

    def submit(
        self,
        *,
        spec: dict[str, Any] | None = None,
        dataset: dict[str, Any] | None = None,
        hyperparameters: dict[str, Any] | None = None,
        digest: str | None = None,
        spec_digest: str | None = None,
        limits: Literal["enforce", "widen"] = "enforce",
        **request: object,
    ) -> Job:
        """A queued job: by default three epochs of the small model on the dataset."""
        resolved = resolve(spec or SPEC)
        choice = HyperparameterChoice.model_validate({"seed": 1, **(hyperparameters or {})})
        model = trainable_network(resolved)
        decided, names = resolve_hyperparameters(model, choice, limits)
        bound = bind(self.manifest, model, DatasetSource.model_validate({"id": self.manifest.id, **(dataset or {})}))
        fields: dict[str, Any] = {
            "name": None,
            "model": ResolvedModel(spec=spec or SPEC, digest=digest, spec_digest=spec_digest),
            "dataset": bound,
            "hyperparameters": decided,
            "limits": limits,
            "widened": names,
            "engine": "jax",
            "compute_units": "all",
            "report": "epoch",
            "max_attempts": 3,
            "timeout_seconds": None,
            "labels": {},
        }
        recorded = {} if digest or spec_digest else resolved.spec.document()
        return self.store.jobs.submit(TENANT, ResolvedRequest(**fields | request), spec=recorded)

    def submit_long(self, **request: object) -> Job:
        """A queued job that lasts until it is stopped."""
        return self.submit(**LONG, **request)

    def job(self, job: Job) -> Job:
        """The job as it stands."""
        stored = self.store.jobs.get(TENANT, job.id)
        assert stored is not None
        return stored

    def failure(self, job: Job) -> tuple[Reason, str]:
        """The reason of a failed job: its code and its detail."""
        failed = self.job(job)
        assert failed.status is Status.FAILED
        assert failed.reason is not None
        return failed.reason.code, failed.reason.detail

    def standing(self, job: Job) -> tuple[Status, list[str]]:
        """The job's status and those of its attempts."""
        stored = self.job(job)
        return stored.status, [attempt.status for attempt in stored.attempts]

    def cancel(self, job: Job) -> Job:
        """The job once it is cancelled."""
        self.store.jobs.cancel(TENANT, job.id)
        return self.wait_until(job, Status.CANCELLED)

    def epochs(self, job: Job) -> list[int]:
        """The numbers of the recorded epochs."""
        return [epoch["epoch"] for epoch in self.events(job, "epoch")]

    def events(self, job: Job, kind: str) -> list[dict[str, Any]]:
        """The data of the job's events of one kind, in order."""
        return [event.data for event in self.store.events.read(TENANT, job.id, "0", 10_000) if event.type == kind]

    def wait_until(self, job: Job, reached: Callable[[Job], bool] | Status, seconds: float = 60) -> Job:
        """The job once it has the status, or once `reached(job)` is true."""
        deadline = time.monotonic() + seconds
        while True:
            stored = self.job(job)
            if stored.status is reached if isinstance(reached, Status) else reached(stored):
                return stored
            if stored.status.is_final or time.monotonic() > deadline:
                pytest.fail(f"the job is {stored.status} ({stored.reason}); attempts: {stored.attempts}")
            time.sleep(0.02)

    def wait_for_epoch(self, job: Job, number: int = 1) -> Job:
        """The job once it has trained so many epochs."""
        return self.wait_until(job, lambda job: job.progress.epoch >= number)

    def artifact(self, job: Job, variant: str) -> bytes:
        """The content of a file that the job made."""
        (file,) = (each for each in self.job(job).artifacts if each.variant == variant)
        content = b"".join(self.blobs.read(file.digest))
        assert len(content) == file.bytes
        return content

    def digests(self, job: Job) -> dict[str, str]:
        """The digests of the files that the job made, by variant."""
        return {each.variant: each.digest for each in self.job(job).artifacts}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, blobs: Blobs) -> StoredManifest:
    """A dataset of 300 examples to train on and 60 to test, its arrays stored.

    Its split `long`, in mini-batches of one example, keeps an engine busy for about half a second an epoch.
    """
    folder = tmp_path_factory.mktemp("dataset")
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in (("train", 300), ("test", 60), ("long", 30_000)):
        labels = random.integers(0, 3, count)
        arrays[f"{split}/x"] = (random.random((count, 4)) + 2 * np.eye(3, 4)[labels]).astype(np.float32)
        arrays[f"{split}/label"] = labels.astype(np.int32).reshape(count, 1)
    np.savez(folder / "small.npz", **arrays)
    work = folder / "work"
    work.mkdir()
    dataset = prepare(Upload.of(folder / "small.npz"), DatasetOptions(), DatasetLimits(), work)
    digest, size = blobs.put_file(dataset.arrays_path)
    return dataset.manifest(id=new_id("ds", 1), name="small", digest=digest, size=size, created_at=datetime.now(UTC))


@pytest.fixture
def bench(store: Store, blobs: Blobs, prepared: StoredManifest) -> Bench:
    """The dataset recorded in an empty store."""
    store.datasets.create(TENANT, prepared, "small")
    return Bench(store, blobs, prepared)


@pytest.fixture
def bench_report() -> WorkerReport:
    """A worker's report about itself."""
    return worker_report(name="bench-1", started_at=datetime.now(UTC))


class WorkerProcess:
    """A worker in a process of its own."""

    def __init__(self, url: str, home: Path, log: Path, *arguments: str, **variables: str) -> None:
        environment = {
            **os.environ,
            "PIPPIN_REDIS_URL": url,
            "PIPPIN_HOME": str(home),
            "PIPPIN_WORKER_THREADS": "1",
            "PIPPIN_WORKER_GRACE_SECONDS": "10",
            **variables,
        }
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "worker", *arguments], env=environment, stderr=output
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


Start = Callable[..., WorkerProcess]


@pytest.fixture(scope="module")
def start(valkey_server: EmbeddedValkey, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts workers, and ends those that still run with the module."""
    started: list[WorkerProcess] = []

    def begin(*arguments: str, **variables: str) -> WorkerProcess:
        log = tmp_path_factory.mktemp("worker") / "log"
        started.append(WorkerProcess(valkey_server.url, home, log, *arguments, **variables))
        return started[-1]

    yield begin
    for worker in started:
        worker.end()
