import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from pydantic import SecretStr

from pippin.blobs import Blobs
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect
from pippin.system import logs
from service.__main__ import main
from tests.service.conftest import MakeService, MakeTrainer, StartProcess
from tests.support.environment import clean_environment
from tests.support.problems import is_problem
from tests.support.waiting import wait_for

JOB = {"model": {"preset": "mnist-cnn"}, "dataset": "tiny"}


@pytest.fixture
def other_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A separate server that the test may stop."""
    with EmbeddedValkey(tmp_path) as server:
        yield server


def test_health_and_readiness_are_ok(http: httpx2.Client) -> None:
    assert http.get("/healthz").json() == {"status": "ok", "version": version("pippin")}
    assert http.get("/readyz").json() == {"status": "ok"}


def test_service_answers_503_until_redis_is_reachable(make_service: MakeService, other_valkey: EmbeddedValkey) -> None:
    other_valkey.stop()
    service = make_service(redis_url=SecretStr(other_valkey.url))
    with service.client() as http:
        assert http.get("/healthz").status_code == 200
        for path in ("/readyz", "/jobs", "/workers", f"/jobs/job_{'0' * 26}/metrics"):
            answer = http.get(path)
            problem = is_problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "2"
            assert "Redis" in problem["detail"]
            assert not [part for part in ("127.0.0.1", str(urlsplit(other_valkey.url).port)) if part in answer.text]
        other_valkey.start()
        wait_for(lambda: http.get("/readyz").status_code == 200, "the service is ready")
        wait_for(lambda: http.get("/datasets/mnist-sample").status_code == 200, "the sample is stored")


@pytest.mark.full
def test_service_is_ready_once_the_sample_is_stored(start_process: StartProcess) -> None:
    service = start_process()
    with httpx2.Client(base_url=service.address(), timeout=60) as http:
        seen: list[tuple[int, str]] = []
        while not seen or seen[-1][0] != 200:
            answer = http.get("/readyz")
            seen.append((answer.status_code, answer.text))
        assert http.get("/datasets/mnist-sample").status_code == 200
        assert all("packaged dataset is being stored" in text for status, text in seen if status != 200), seen


@pytest.mark.full
def test_sample_is_restored_after_redis_loses_its_records(
    make_service: MakeService, other_valkey: EmbeddedValkey
) -> None:
    service = make_service(redis_url=SecretStr(other_valkey.url))
    with service.client() as http, closing(connect(other_valkey.url)) as client:
        wait_for(lambda: http.get("/readyz").status_code == 200, "the service is ready")
        client.flushall()
        assert http.get("/readyz").status_code == 503
        wait_for(lambda: http.get("/readyz").status_code == 200, "the service is ready again")
        assert http.get("/datasets/mnist-sample").status_code == 200
        client.flushall()
        wait_for(lambda: http.get("/datasets/mnist-sample").status_code == 200, "the sample returns unasked")
        http.delete("/datasets/mnist-sample")
        assert http.get("/readyz").status_code == 200
        assert http.get("/datasets/mnist-sample").status_code == 404


def test_without_the_sample_the_service_is_ready_at_once(make_service: MakeService) -> None:
    service = make_service(sample=False)
    with service.client() as http:
        assert http.get("/readyz").status_code == 200
        assert http.get("/datasets").json()["data"] == []


@pytest.mark.full
def test_stream_survives_a_redis_outage(
    make_service: MakeService, trainer: MakeTrainer, other_valkey: EmbeddedValkey, tiny_npz: bytes
) -> None:
    service = make_service(redis_url=SecretStr(other_valkey.url))
    store = Store(connect(other_valkey.url))
    with service.client() as http:
        http.post("/datasets?name=tiny", content=tiny_npz)
        attempt = trainer(http.post("/jobs", json=JOB).json()["id"], store)
        attempt.begin()
        attempt.epoch(1)
        with http.stream("GET", f"{attempt.path}/metrics", headers={"accept": "text/event-stream"}) as answer:
            chunks = answer.iter_bytes()
            received = b""
            while b"event: epoch" not in received:
                received += next(chunks)
            other_valkey.stop()
            wait_for(lambda: http.get("/readyz").status_code == 503, "the service notices")
            other_valkey.start()
            attempt.epoch(2)
            attempt.succeed()
            received += b"".join(chunks)
    store.close()
    assert received.count(b"event: epoch") == 2
    assert received.count(b"event: end") == 1


def test_packaged_sample_can_be_trained_on(make_service: MakeService) -> None:
    service = make_service()
    with service.client() as http:
        wait_for(lambda: http.get("/datasets/mnist-sample").status_code == 200, "the sample is stored")
        manifest = http.get("/datasets/mnist-sample").json()
        assert manifest["splits"] == [{"name": "train", "examples": 10000}, {"name": "test", "examples": 2000}]
        assert Blobs(service.settings.blobs_url).head(manifest["digest"]) == manifest["bytes"]
        hyperparameters = {"epochs": 5, "learning_rate": 0.001}
        answer = http.post("/jobs", json=JOB | {"dataset": "mnist-sample", "hyperparameters": hyperparameters})
        assert answer.status_code == 202, answer.text
        assert answer.json()["request"]["dataset"]["bind"] == {"image": "image", "output_true": "label"}


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_process_logs_json_and_closes_streams_on_sigterm(
    valkey_url: str, start_process: StartProcess, tiny_npz: bytes
) -> None:
    service = start_process()
    with httpx2.Client(base_url=service.address(), timeout=60) as http:
        wait_for(lambda: http.get("/datasets/mnist-sample").status_code == 200, "the sample is stored")
        http.post("/datasets?name=tiny", content=tiny_npz)
        job_id = http.post("/jobs", json=JOB).json()["id"]
        http.get("/openapi.json")
        assert service.resident_megabytes() < 200
        sse = {"accept": "text/event-stream"}
        with http.stream("GET", f"/jobs/{job_id}/events", headers=sse) as answer:
            chunks = answer.iter_bytes()
            next(chunks)
            service.terminate()
            for chunk in chunks:
                assert b"event: end" not in chunk
    assert service.process.returncode in {0, -signal.SIGTERM}
    assert not [line for line in service.log if line["level"] in {"error", "critical"}]
    requests = [line for line in service.log if line["event"] == "request"]
    assert {line["path"] for line in requests} >= {"/jobs", f"/jobs/{job_id}/events"}
    assert all(line["request_id"] for line in requests)
    assert not [line for line in service.log if valkey_url in json.dumps(line)]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PIPPIN_REDIS_URL", None, "PIPPIN_REDIS_URL is not set"),
        ("PIPPIN_PROT", "1", "PIPPIN_PORT"),
        ("PIPPIN_BLOBS_URL", "gs://bucket", "file:///a/folder"),
        ("PIPPIN_BLOBS_URL", "http://127.0.0.1:8000", "PIPPIN_BLOBS_URL"),
        ("PIPPIN_\x1b]0;X", "1", "\\x1b]0;"),
    ],
)
def test_invalid_setting_is_reported_in_printable_text(
    *,
    variable: str,
    value: str | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {"PIPPIN_REDIS_URL": "redis://127.0.0.1:1", "PIPPIN_HOME": str(tmp_path), variable: value}
    environment = clean_environment(**{name: text for name, text in settings.items() if text is not None})
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    assert main() == 2
    stderr = capsys.readouterr().err
    assert message in stderr
    assert "\x1b" not in stderr


def test_service_imports_no_worker_dependencies_and_no_model_file_readers() -> None:
    modules = {"coremltools", "google.protobuf", "jax", "pandas", "yaml"}
    code = f"import sys, service.__main__; print({modules} & sys.modules.keys())"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout == "set()\n"
