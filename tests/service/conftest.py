"""One real service for the whole run, on a real port beside a real Valkey; its records are emptied before each test."""

import io
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import structlog
from pydantic import SecretStr

from pippin.api.checkpoints import Resumption, StoredCheckpoint
from pippin.api.jobs import Artifact, Failure, Variant
from pippin.api.metrics import BatchLosses
from pippin.api.states import Reason
from pippin.blobs import Blobs
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.local.valkey import EmbeddedValkey
from pippin.models.mlmodel import build, with_learned
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import Weights
from pippin.settings import Settings
from pippin.store import Claim, Store, new_token
from service.__main__ import Server, server_of
from tests.support.environment import clean_environment
from tests.support.records import DIGEST, epoch_metrics, resolved_request, stored_checkpoint
from tests.support.waiting import DEADLINE, wait_for


@dataclass
class RunningService:
    """A service in a thread, as `python -m service` runs it."""

    settings: Settings
    server: Server = field(init=False)
    thread: threading.Thread = field(init=False)

    def start(self) -> None:
        self.server = server_of(self.settings)
        self.thread = threading.Thread(target=self.server.run, name="service")
        self.thread.start()
        wait_for(lambda: self.server.started or not self.thread.is_alive(), "the service starts")
        assert self.server.started

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()

    @property
    def url(self) -> str:
        host, port = self.server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def followers(self) -> int:
        """The number of clients that follow a job."""
        return sum(map(len, self.server.config.app.state.services.streams.reader._subscriptions.values()))


MakeService = Callable[..., RunningService]


@pytest.fixture(scope="module", autouse=True)
def plain_logs() -> Iterator[None]:
    """Log plain tracebacks: structlog formats each for seconds by default. Restores the defaults afterwards."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        # A line for each request would be logged after its test has ended.
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def make_settings(valkey_server: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Settings]:
    def make(**changes: object) -> Settings:
        home = tmp_path_factory.mktemp("service-home")
        values: dict[str, Any] = {"home": home, "redis_url": SecretStr(valkey_server.url), "port": 0}
        return Settings(**values | changes)

    return make


@pytest.fixture
def make_service(
    valkey_url: str,  # noqa: ARG001 (empties the server)
    make_settings: Callable[..., Settings],
) -> Iterator[MakeService]:
    """Starts services with changed settings."""
    made = []

    def make(**changes: object) -> RunningService:
        service = RunningService(make_settings(**changes))
        service.start()
        made.append(service)
        return service

    yield make
    for service in made:
        service.stop()


@pytest.fixture(scope="session")
def shared_service(make_settings: Callable[..., Settings]) -> Iterator[RunningService]:
    limits = {"max_body_bytes": 1_000_000, "max_dataset_bytes": 2_000_000, "max_model_bytes": 5_000_000}
    # Its reaper looks once, and then not again during a test.
    service = RunningService(make_settings(**limits, sample=False, reaper_interval_seconds=60, lease_seconds=300))
    service.start()
    figures = service.server.config.app.state.meters.registry
    wait_for(lambda: figures.get_sample_value("pippin_reaper_last_look_timestamp_seconds"), "its reaper has looked")
    yield service
    service.stop()


@pytest.fixture
def service(
    shared_service: RunningService,
    valkey_url: str,  # noqa: ARG001 (empties the server)
) -> RunningService:
    """The shared service with empty records and without a token requirement."""
    shared_service.server.config.app.state.services.requirement.reset()
    return shared_service


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx2.Client]:
    """A client of the service."""
    with httpx2.Client(base_url=service.url, timeout=DEADLINE) as client:
        yield client


@pytest.fixture
def blobs(service: RunningService) -> Blobs:
    """The blob store of the service."""
    return Blobs(service.settings.blobs_url)


@pytest.fixture(scope="session")
def tiny_npz() -> bytes:
    """Twelve random images in two splits, for the `mnist-cnn` preset."""
    generator = np.random.default_rng(1)
    arrays: dict[str, Any] = {}
    for split, count in (("train", 8), ("test", 4)):
        arrays[f"{split}/image"] = generator.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)
        arrays[f"{split}/output_true"] = np.arange(count, dtype=np.int32).reshape(-1, 1) % 10
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@pytest.fixture
def tiny(http: httpx2.Client, tiny_npz: bytes) -> dict[str, Any]:
    """A dataset called `tiny`."""
    answer = http.post("/datasets", params={"name": "tiny"}, content=tiny_npz)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
def job_request(tiny: dict[str, Any]) -> dict[str, Any]:
    """A valid job request."""
    return {"model": {"preset": "mnist-cnn"}, "dataset": tiny["name"], "hyperparameters": {"epochs": 3}}


@pytest.fixture
def mnist_spec() -> dict[str, Any]:
    """A model spec to change."""
    return preset("mnist-cnn")


@pytest.fixture
def submit(http: httpx2.Client, job_request: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Submits jobs."""

    def submit_one(**changes: object) -> dict[str, Any]:
        answer = http.post("/jobs", json=job_request | changes)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    return submit_one


@dataclass
class Trainer:
    """Updates a job's records as a worker does."""

    store: Store
    job_id: str
    tenant: str = "default"
    claim: Claim = field(init=False)

    def begin(self, number: int = 1, resumed: Resumption | None = None) -> None:
        self.claim = Claim(self.tenant, self.job_id, number, new_token())
        self.store.attempts.claim(self.claim, worker="worker-1", engine="jax")
        self.store.attempts.running(self.claim, resumed)

    def epoch(
        self,
        epoch: int,
        batch_losses: list[float] | None = None,
        loss: float | None = 0.5,
        checkpoint: StoredCheckpoint | None = None,
    ) -> str:
        metrics = epoch_metrics(epoch, loss=loss, attempt=self.claim.number, diverged=loss is None)
        batches = None if batch_losses is None else BatchLosses(batch_losses, 1, len(batch_losses))
        return self.store.attempts.epoch(self.claim, metrics, batches, checkpoint)

    def log(self, line: str) -> None:
        self.store.attempts.log(self.claim, line)

    def artifact(self, variant: Variant, digest: str, size: int) -> Artifact:
        url = f"/jobs/{self.job_id}/model?variant={variant}"
        made = Artifact(variant=variant, digest=digest, bytes=size, url=url)
        if variant != "trained":
            self.store.attempts.artifact(self.claim, made)
        return made

    def succeed(self, digest: str = "sha256:" + "0" * 64, size: int = 1) -> None:
        self.store.attempts.succeed(self.claim, self.artifact("trained", digest, size))

    def fail(self) -> None:
        self.store.attempts.fail(self.claim, Failure(code=Reason.DIVERGED, detail="The loss was not finite."))

    def train(self, epochs: int = 3) -> None:
        self.begin()
        for epoch in range(1, epochs + 1):
            self.epoch(epoch)
        self.succeed()


@pytest.fixture
def save(blobs: Blobs) -> Callable[..., StoredCheckpoint]:
    """Stores checkpoints of weights, or arbitrary bytes as checkpoints."""

    def save_one(
        epoch: int, weights: Weights | bytes = b"none", *, step: int = 0, engine: str = "jax"
    ) -> StoredCheckpoint:
        data = weights
        if not isinstance(data, bytes):
            place = {"engine": engine, "epoch": epoch, "step": step, "taken": 1, "batch_sums": (0.5,) * step}
            data = write_checkpoint(Checkpoint(**place, weights=data, moments=(data, data)))
        return stored_checkpoint(epoch, step, engine=engine, digest=blobs.put_bytes(data), bytes=len(data))

    return save_one


@pytest.fixture
def trainer(store: Store) -> Callable[..., Trainer]:
    """Makes trainers."""
    return lambda job_id, other=None, tenant="default": Trainer(other or store, job_id, tenant)


@pytest.fixture(scope="session")
def digits() -> bytes:
    """The preset's initial model, with the metadata of a training on pixels times 1/255."""
    return with_learned(build(resolve(preset("mnist-cnn"))), {}, {"pippin.scale.image": repr(1 / 255)})


@pytest.fixture
def submitted(store: Store) -> Callable[..., str]:
    """Submits a job to the store, as the service does after validation."""

    def submit(**dataset: object) -> str:
        usual = {
            "id": "ds_0",
            "name": "tiny",
            "digest": DIGEST,
            "train": "train",
            "validation": None,
            "validation_fraction": None,
            "bind": {"image": "image", "output_true": "output_true"},
        }
        hyperparameters = {"epochs": 1, "shuffle": True, "seed": 7}
        request = resolved_request(name=None, dataset=usual | dataset, hyperparameters=hyperparameters, engine="auto")
        return store.jobs.submit("default", request, spec={}).id

    return submit


@pytest.fixture
def trained(submitted: Callable[..., str], trainer: Callable[[str], Any], blobs: Blobs) -> Callable[..., str]:
    """Creates succeeded jobs with the given trained model."""

    def make(model: bytes, **dataset: object) -> str:
        job_id = submitted(**dataset)
        attempt = trainer(job_id)
        attempt.begin()
        attempt.succeed(blobs.put_bytes(model), len(model))
        return job_id

    return make


@pytest.fixture
def is_problem() -> Callable[..., dict[str, Any]]:
    """Asserts that a response is a problem document (RFC 9457), and returns it."""

    def check(answer: httpx2.Response, status: int, kind: str | None = None) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = json.loads(answer.content)
        assert problem["status"] == status
        assert problem["instance"] == answer.request.url.raw_path.decode().partition("?")[0]
        assert problem["title"]
        assert problem["detail"]
        assert problem["type"].startswith("/problems/")
        if kind:
            assert problem["type"] == f"/problems/{kind}"
        return dict(problem)

    return check


class Process:
    """The service as `pippin up` starts it."""

    def __init__(self, valkey_url: str, home: Path, **variables: str) -> None:
        clean = clean_environment()
        ours = {"PIPPIN_REDIS_URL": valkey_url, "PIPPIN_HOME": str(home), "PIPPIN_PORT": "0", **variables}
        ours = {name: value for name, value in ours.items() if value}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service"], env=clean | ours, stderr=subprocess.PIPE, text=True
        )
        self.log: list[dict[str, Any]] = []

    def address(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == "listening":
                host, port = self.log[-1]["address"]
                return f"http://{host}:{port}"
        pytest.fail(f"the service did not start: {self.log}")

    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kilobytes) / 1000

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def terminate(self) -> None:
        self.ask_to_stop()
        _, rest = self.process.communicate(timeout=60)
        self.log += [json.loads(line) for line in rest.splitlines()]

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start_process(valkey_url: str, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts services in separate processes with these environment variables; they end with the test."""
    started: list[Process] = []

    def start(**variables: str) -> Process:
        started.append(Process(valkey_url, tmp_path, **variables))
        return started[-1]

    yield start
    for service in started:
        service.end()
