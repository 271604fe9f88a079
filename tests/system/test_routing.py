"""Routing between two workers: real processes with one engine each, a real service and a real Valkey."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from pippin.client import Client
from pippin.models.mlmodel.proto import serialize
from pippin.store import Store, keys
from tests.pippin.models.mlmodel.files import neighbors, network
from tests.support.environment import clean_environment
from tests.support.paths import ROOT
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

    def start_mac(self) -> str:
        """Start the coreml worker; its registered name."""
        command = [sys.executable, "-m", "tests.system.jax_as_coreml"]
        self.mac = subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=subprocess.DEVNULL)
        wait_for(lambda: "coreml" in self.store.workers.live_engines())
        (name,) = (each.name for each in self.client.workers() if each.engines == ["coreml"])
        return name

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


@pytest.fixture
def workplace(start_up: Callable[..., SimpleNamespace], valkey_url: str, store: Store) -> Iterator[Workplace]:
    up = start_up(redis_url=valkey_url)
    clean = clean_environment()
    environment = {
        **clean,
        "PIPPIN_REDIS_URL": valkey_url,
        "PIPPIN_HOME": str(up.home),
        "PIPPIN_URL": up.url,
        "PYTHONPATH": str(ROOT),
    }
    with Client(up.url) as client, httpx2.Client(base_url=up.url) as http:
        for name, file in (("net", network()), ("knn", neighbors())):
            http.post("/models", params={"name": name}, content=serialize(file)).raise_for_status()
        options = {"name": "points", "target": "label", "inputs": "point:a,b"}
        http.post("/datasets", params=options, content=POINTS).raise_for_status()
        started = Workplace(client, store, environment)
        wait_for(lambda: "jax" in store.workers.live_engines())
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


@pytest.mark.full
def test_auto_job_queued_for_a_dead_mac_is_trained_by_jax(workplace: Workplace) -> None:
    name = workplace.start_mac()
    workplace.end_mac(signal.SIGKILL)
    job_id = workplace.submit()
    assert workplace.store.queues.waiting("pippin-coreml") == [(job_id, 1)]
    seconds, _ = workplace.store.redis.time()
    workplace.store.redis.zadd(keys.WORKERS, {name: (seconds - 31) * 1_000_000})
    assert workplace.trained_by(job_id) == [("jax", "succeeded")]


@pytest.mark.full
def test_core_ml_job_waits_for_a_mac_and_reports_it_to_followers(workplace: Workplace) -> None:
    job_id = workplace.submit(engine="coreml")
    assert workplace.client.job(job_id).waiting_for == NO_MAC
    follow = [sys.executable, "-P", "-m", "pippin", "metrics", job_id, "--follow"]
    with subprocess.Popen(follow, env=workplace.environment, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert [next(following.stdout).rstrip() for _ in range(2)] == ["queued", NO_MAC]
        workplace.start_mac()
        rest = [line.rstrip() for line in following.stdout]
    assert following.returncode == 0
    assert NO_MAC not in rest
    assert rest[-2:] == [f"{job_id} succeeded.", f"Download its model: pippin download {job_id}"]
    assert workplace.trained_by(job_id) == [("coreml", "succeeded")]
