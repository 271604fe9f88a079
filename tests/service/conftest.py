"""One real service for the whole run, on a real port beside a real Valkey; its records are emptied before each test."""

import io
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx2
import numpy as np
import pytest
import structlog
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.datastructures import State

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.tokens import DEFAULT_TENANT
from pippin.blobs import Blobs
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import Prepared, prepare
from pippin.datasets.upload import Upload
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.local.valkey import EmbeddedValkey
from pippin.models.mlmodel import build, with_learned
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import Weights
from pippin.settings import Settings
from pippin.store import Store
from service.__main__ import Server, server_of
from service.app import create_app
from service.datasets.ingest import Ingestion
from service.sandbox import Sandbox
from service.sandbox.fork_server import ForkServer
from service.services import Services
from tests.support.logging_service import Process
from tests.support.problems import is_problem as check_problem
from tests.support.records import DIGEST, resolved_request, stored_checkpoint
from tests.support.trainer import Trainer
from tests.support.waiting import DEADLINE, wait_for

__all__ = ["Process", "Trainer"]  # the rest is defined here

# Reading the system's certificates takes a client 25 ms, and no test needs them.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ReusingSandbox(Sandbox):
    """A sandbox that leaves its fork server to the next one: a new fork server imports modules for two seconds."""

    spare: ClassVar[list[ForkServer]] = []

    def _living_server(self) -> ForkServer:
        if self._server is None and self.spare and not self._closed:
            self._server = self.spare.pop()
        return super()._living_server()

    def _end_server(self) -> None:
        if self._closed and self._server is not None and not self._server.has_ended:
            self.spare.append(self._server)
            self._server = None
        super()._end_server()


@pytest.fixture(scope="session", autouse=True)
def reused_fork_servers() -> Iterator[None]:
    """Have the services of one run share fork servers; services that run at the same time have their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.app.Sandbox", ReusingSandbox)
        yield
    while ReusingSandbox.spare:
        ReusingSandbox.spare.pop().end()


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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=DEADLINE, verify=_NO_CERTIFICATES)

    @property
    def state(self) -> State:
        """What the running application holds."""
        app = self.server.config.app
        assert isinstance(app, FastAPI)
        return app.state

    @property
    def services(self) -> Services:
        """The objects of the running application."""
        services: Services = self.state.services
        return services

    @property
    def followers(self) -> int:
        """The number of clients that follow a job."""
        return sum(map(len, self.services.streams.reader._subscriptions.values()))

    def uploads(self) -> list[Path]:
        """What uploads have left in their working folder."""
        return list((self.settings.home / "uploads").glob("*"))

    def blob_path(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self.settings.home / "blobs" / name[:2] / name

    def figure(self, name: str, **labels: str) -> float:
        """The present value of a metric."""
        return float(self.state.meters.registry.get_sample_value(name, labels) or 0)


MakeService = Callable[..., RunningService]
Submit = Callable[..., dict[str, Any]]
Trained = Callable[..., str]
Save = Callable[..., StoredCheckpoint]
MakeTrainer = Callable[..., Trainer]
StartProcess = Callable[..., Process]


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
    with ExitStack() as services:
        yield lambda **changes: services.enter_context(RunningService(make_settings(**changes)))


@pytest.fixture(scope="session")
def shared_service(make_settings: Callable[..., Settings]) -> Iterator[RunningService]:
    limits = {"max_body_bytes": 1_000_000, "max_dataset_bytes": 2_000_000, "max_model_bytes": 5_000_000}
    # Its reaper looks once, and then not again during a test.
    settings = make_settings(**limits, sample=False, reaper_interval_seconds=60, lease_seconds=300)
    with RunningService(settings) as service:
        wait_for(lambda: service.figure("pippin_reaper_last_look_timestamp_seconds"), "its reaper has looked")
        yield service


@pytest.fixture
def service(
    shared_service: RunningService,
    valkey_url: str,  # noqa: ARG001 (empties the server)
) -> RunningService:
    """The shared service with empty records and without a token requirement."""
    shared_service.services.requirement.reset()
    return shared_service


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx2.Client]:
    """A client of the service."""
    with service.client() as client:
        yield client


@pytest.fixture
def blobs(service: RunningService) -> Blobs:
    """The blob store of the service."""
    return Blobs(service.settings.blobs_url)


def unannounced(piece: bytes = bytes(65_536), pieces: int = 100) -> Iterator[bytes]:
    """A body that httpx2 sends without a content-length."""
    return (piece for _ in range(pieces))


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


@pytest.fixture(scope="session")
def prepared_tiny(tiny_npz: bytes, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("tiny")
    upload = folder / "upload"
    upload.write_bytes(tiny_npz)
    return prepare(Upload.of(upload), DatasetOptions(), DatasetLimits(), folder)


@pytest.fixture
def tiny(store: Store, blobs: Blobs, prepared_tiny: Prepared) -> dict[str, Any]:
    """A dataset called `tiny`, stored as the service stores an upload that its sandbox has prepared."""
    ingestion = Ingestion(store, blobs, ReusingSandbox({}), DatasetLimits())
    manifest, _ = ingestion.store_prepared(prepared_tiny, name="tiny", tenant=DEFAULT_TENANT)
    return manifest.shown().model_dump(mode="json", by_alias=True)


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The service's OpenAPI document."""
    return create_app(Settings()).openapi()


@pytest.fixture
def job_request(tiny: dict[str, Any]) -> dict[str, Any]:
    """A valid job request."""
    return {"model": {"preset": "mnist-cnn"}, "dataset": tiny["name"], "hyperparameters": {"epochs": 3}}


@pytest.fixture
def mnist_spec() -> dict[str, Any]:
    """A model spec to change."""
    return preset("mnist-cnn")


@pytest.fixture
def submit(http: httpx2.Client, job_request: dict[str, Any]) -> Submit:
    """Submits jobs."""

    def submit_one(**changes: object) -> dict[str, Any]:
        answer = http.post("/jobs", json=job_request | changes)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    return submit_one


@pytest.fixture
def save(blobs: Blobs) -> Save:
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
def trainer(store: Store) -> MakeTrainer:
    """Makes trainers."""
    return lambda job_id, other=None, tenant="default": Trainer(other or store, job_id, tenant)


@pytest.fixture
def start_job(submit: Submit, trainer: MakeTrainer) -> MakeTrainer:
    """Submits a job and begins its first attempt."""

    def start(**changes: object) -> Trainer:
        attempt = trainer(submit(**changes)["id"])
        attempt.begin()
        return attempt

    return start


@pytest.fixture(scope="session")
def digits() -> bytes:
    """The preset's initial model, with the metadata of a training on pixels times 1/255."""
    return with_learned(build(resolve(preset("mnist-cnn"))), {}, {"pippin.scale.image": repr(1 / 255)})


@pytest.fixture
def submitted(store: Store) -> Callable[..., str]:
    """Submits a job to the store, as the service does after validation."""

    def submit(**dataset: object) -> str:
        usual: dict[str, object] = {
            "id": "ds_0",
            "name": "tiny",
            "digest": DIGEST,
            "train": "train",
            "validation": None,
        }
        usual |= {"validation_fraction": None, "bind": {"image": "image", "output_true": "output_true"}}
        hyperparameters = {"epochs": 1, "shuffle": True, "seed": 7}
        request = resolved_request(name=None, dataset=usual | dataset, hyperparameters=hyperparameters, engine="auto")
        return store.jobs.submit("default", request, spec={}).id

    return submit


@pytest.fixture
def trained(submitted: Callable[..., str], trainer: MakeTrainer, blobs: Blobs) -> Trained:
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
    """`tests.support.problems.is_problem`."""
    return check_problem


@pytest.fixture
def start_process(valkey_url: str, tmp_path: Path) -> Iterator[StartProcess]:
    """Starts services in separate processes with these environment variables; they end with the test."""
    with ExitStack() as stack:
        yield lambda **variables: stack.enter_context(Process(valkey_url, tmp_path, **variables))
