"""Routing between two workers: real processes with one engine each, a real service and a real Valkey."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from pippin.client import Client
from pippin.local.valkey import running_url
from pippin.models.mlmodel.proto import serialize
from pippin.store import Store, connect, keys
from tests.conftest import Up
from tests.pippin.models.mlmodel.files import neighbors, network
from tests.support.environment import clean_environment
from tests.support.paths import ROOT
from tests.support.processes import pippin, stdout_of
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


POINTS = "a,b,label\n" + "".join(f"{n},{n},{n % 2}\n" for n in range(8))
NO_MAC = "No live worker has the coreml engine; start one on a Mac with `pippin worker --engine coreml`."


@dataclass
class Workplace:
    """A Pippin with one jax worker, and a second worker with the coreml engine that tests start and stop."""

    client: Client
    store: Store
    environment: dict[str, str]
    mac: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start_mac(self) -> None:
        """Start the coreml worker and wait until it lives."""
        command = [sys.executable, "-m", "tests.system.jax_as_coreml"]
        self.mac = subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=subprocess.DEVNULL)
        wait_for(lambda: "coreml" in self.store.workers.live_engines())

    def end_mac(self, with_signal: signal.Signals) -> None:
        if self.mac is not None:
            self.mac.send_signal(with_signal)
            self.mac.wait(30)
            self.mac = None

    def submit(self, model: str = "net", **changes: object) -> str:
        request: dict[str, Any] = {"model": {"id": model}, "dataset": "points"}
        return self.client.submit(request | changes).id

    def trained_by(self, job_id: str) -> list[tuple[str, str]]:
        """Wait for the end of a job; engine and status of each attempt."""
        return [(attempt.engine, attempt.status) for attempt in self.client.wait(job_id).attempts]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A Pippin with one jax worker, in which other tests queue no jobs."""
    started = Up(tmp_path_factory.mktemp("routing") / "home")
    yield started
    started.end()


@pytest.fixture(scope="module")
def store(up: Up) -> Iterator[Store]:
    opened = Store(connect(running_url(up.home) or ""))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pippin_with_models(up: Up, store: Store) -> Iterator[Client]:
    """A client of the service, which has two models and a dataset, once the worker lives."""
    with Client(up.url) as client, httpx2.Client(base_url=up.url) as http:
        for name, file in (("net", network()), ("knn", neighbors())):
            http.post("/models", params={"name": name}, content=serialize(file)).raise_for_status()
        options = {"name": "points", "target": "label", "inputs": "point:a,b"}
        http.post("/datasets", params=options, content=POINTS).raise_for_status()
        wait_for(lambda: "jax" in store.workers.live_engines())
        yield client


@pytest.fixture
def workplace(up: Up, store: Store, pippin_with_models: Client) -> Iterator[Workplace]:
    environment = clean_environment(
        PIPPIN_REDIS_URL=running_url(up.home) or "",
        PIPPIN_HOME=str(up.home),
        PIPPIN_URL=up.url,
        PYTHONPATH=str(ROOT),
    )
    started = Workplace(pippin_with_models, store, environment)
    yield started
    started.end_mac(signal.SIGKILL)


def test_auto_prefers_core_ml_for_models_that_it_can_train(workplace: Workplace) -> None:
    assert workplace.trained_by(workplace.submit()) == [("jax", "succeeded")]
    workplace.start_mac()
    assert workplace.trained_by(workplace.submit()) == [("coreml", "succeeded")]
    assert workplace.trained_by(workplace.submit(engine="jax")) == [("jax", "succeeded")]
    assert workplace.trained_by(workplace.submit("knn")) == [("jax", "succeeded")]
    workplace.end_mac(signal.SIGTERM)
    assert workplace.trained_by(workplace.submit()) == [("jax", "succeeded")]


def test_auto_job_queued_for_a_dead_mac_is_trained_by_jax(workplace: Workplace) -> None:
    workplace.start_mac()
    (name,) = (each.name for each in workplace.client.workers() if each.engines == ["coreml"])
    workplace.end_mac(signal.SIGKILL)
    job_id = workplace.submit()
    assert workplace.store.queues.waiting("pippin-coreml") == [(job_id, 1)]
    seconds, _ = workplace.store.redis.time()
    workplace.store.redis.zadd(keys.WORKERS, {name: (seconds - 31) * 1_000_000})
    assert workplace.trained_by(job_id) == [("jax", "succeeded")]


def test_core_ml_job_waits_for_a_mac_and_reports_it_to_followers(workplace: Workplace) -> None:
    job_id = workplace.submit(engine="coreml")
    assert workplace.client.job(job_id).waiting_for == NO_MAC
    follow = pippin("metrics", job_id, "--follow")
    with subprocess.Popen(follow, env=workplace.environment, stdout=subprocess.PIPE, text=True) as following:
        assert [next(stdout_of(following)).rstrip() for _ in range(2)] == ["queued", NO_MAC]
        workplace.start_mac()
        rest = [line.rstrip() for line in stdout_of(following)]
    assert following.returncode == 0
    assert NO_MAC not in rest
    assert rest[-2:] == [f"{job_id} succeeded.", f"Download its model: pippin download {job_id}"]
    assert workplace.trained_by(job_id) == [("coreml", "succeeded")]
