"""A service in a process of its own that holds something of everything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pippin.jobs.job import Artifact
from pippin.spec.presets import preset
from pippin.store import Claim, Store, connect, new_token
from tests.service_process import ServiceProcess


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServiceProcess]:
    limits = {"max_body_bytes": 1_000_000, "max_dataset_bytes": 2_000_000, "max_model_bytes": 5_000_000}
    with ServiceProcess(tmp_path / "home", **limits) as running:
        yield running


@pytest.fixture
def held(process: ServiceProcess, tiny_npz: bytes) -> dict[str, str]:
    """What the service holds: a dataset, a model, a job that waits and one that has been trained."""
    body: dict[str, Any] = {"model": {"preset": "mnist-cnn"}, "dataset": "contract", "hyperparameters": {"epochs": 1}}
    with httpx2.Client(base_url=process.url, timeout=60) as http:
        http.post("/datasets?name=contract", content=tiny_npz).raise_for_status()
        http.post("/models?name=contract", json=preset("mnist-cnn")).raise_for_status()
        trained, queued = (http.post("/jobs", json=body).raise_for_status().json()["id"] for _ in range(2))
        file = http.head("/models/contract/file").headers
        digest, size = file["etag"].strip('"'), int(file["content-length"])
    store = Store(connect(process.valkey.url))
    claim = Claim("default", trained, 1, new_token())
    store.attempts.claim(claim, worker="contract", engine="jax")
    store.attempts.running(claim)
    url = f"/jobs/{trained}/model?variant=trained"
    store.attempts.succeed(claim, Artifact(variant="trained", digest=f"sha256:{digest}", bytes=size, url=url))
    store.close()
    return {"trained": trained, "queued": queued, "blob": digest}
