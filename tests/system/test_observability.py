"""One job's telemetry: its trace at a collector, and the logs of the service and of a worker."""

import io
import json
import os
import re
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pippin.api.tokens import issue
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect
from tests.support.processes import module
from tests.support.scripted_server import Answer, ScriptedServer, Seen
from tests.support.specs import classifier_spec
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPEC = classifier_spec("x", [4], "y", 3, mini_batch_size=10) | {
    "loss": {"type": "categorical_cross_entropy", "target": "label"}
}


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace: str
    id: str
    parent: str


def spans_of(seen: Seen) -> list[Span]:
    """The spans of a request to an OTLP collector."""
    assert seen.path == "/v1/traces"
    spans = []
    for resource in ExportTraceServiceRequest.FromString(seen.body).resource_spans:
        named = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            spans += [
                Span(named["service.name"], s.name, s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex())
                for s in scope.spans
            ]
    return spans


@dataclass(frozen=True)
class Watched:
    """The telemetry after the end of all processes.

    Attributes:
        spans: All spans that the collector received.
        service, worker: The log lines of each.
        secrets: Secrets that must not be in the logs.
        job: The id of the job.
        request: The id of the request that submitted it.
    """

    spans: list[Span]
    service: list[dict[str, Any]]
    worker: list[dict[str, Any]]
    secrets: tuple[str, ...]
    job: str
    request: str


def start(name: str, log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(module(name), env=environment, stderr=file)


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def small_dataset() -> bytes:
    random = np.random.default_rng(0)
    file = io.BytesIO()
    arrays: dict[str, Any] = {"x": random.random((60, 4), np.float32), "label": np.arange(60, dtype=np.int32) % 3}
    np.savez(file, **arrays)
    return file.getvalue()


def submit(http: httpx2.Client) -> httpx2.Response:
    http.post("/datasets", params={"name": "small"}, content=small_dataset()).raise_for_status()
    document = {"model": {"spec": SPEC}, "dataset": "small"}
    return http.post("/jobs", json=document, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("watched")
    token = issue("worker", "far")
    token_file = folder / "token"
    token_file.write_text(token.text)
    token_file.chmod(0o600)
    logs = folder / "service.log", folder / "worker.log"
    with ScriptedServer(Answer(200)) as collector, EmbeddedValkey(folder / "valkey") as valkey:
        store = Store(connect(valkey.url))
        store.tokens.add(token)
        base = {name: value for name, value in os.environ.items() if not name.startswith(("PIPPIN_", "OTEL_"))} | {
            "PIPPIN_REDIS_URL": valkey.url,
            "PIPPIN_LOG_LEVEL": "debug",
            "PIPPIN_LOG_FORMAT": "json",
            "PIPPIN_PORT": "0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        service = start("service", logs[0], base | {"PIPPIN_HOME": str(folder / "service")})
        processes = [service]
        try:
            wait_for(lambda: '"listening"' in logs[0].read_text(), otherwise=logs)
            address = re.search(r'"address": \["127.0.0.1", (\d+)\]', logs[0].read_text())
            assert address
            url = f"http://127.0.0.1:{address[1]}"
            far = {"PIPPIN_HOME": str(folder / "far"), "PIPPIN_BLOBS_URL": url, "PIPPIN_TOKEN_FILE": str(token_file)}
            processes.append(start("worker", logs[1], base | far))
            with httpx2.Client(base_url=url, timeout=60) as http:
                answer = submit(http)
                assert answer.status_code == 202, answer.text
                job = answer.json()["id"]
                wait_for(lambda: http.get(f"/jobs/{job}").json()["status"] == "succeeded", seconds=60, otherwise=logs)
                assert http.get(f"/blobs/{'0' * 64}", headers={"authorization": f"Bearer {token.text}"}).is_error
            for process in reversed(processes):
                process.send_signal(signal.SIGTERM)
                process.wait(20)
        finally:
            for process in processes:
                process.kill()
                process.wait()
            store.close()
        password = urlsplit(valkey.url).password
        assert password
    secrets = (password, token.text, token.text.rpartition("_")[2])
    spans = [span for seen in collector.seen for span in spans_of(seen)]
    service_log, worker_log = map(lines, logs)
    return Watched(spans, service_log, worker_log, secrets, job, answer.headers["x-request-id"])


def test_one_trace_spans_the_request_and_the_artifact(watched: Watched) -> None:
    spans = [span for span in watched.spans if span.trace == TRACE]
    assert [span.name for span in spans if span.service == "pippin-service"] == ["POST /jobs"]
    # The engine decides the number of checkpoints.
    worker_spans = [span.name for span in spans if span.service == "pippin-worker" and span.name != "checkpoint"]
    expected = {"attempt": 1, "build": 1, "fetch": 1, "train": 1, "epoch": 3, "store": 3}
    assert Counter(worker_spans) == expected
    # All spans of the worker belong to the trace of the request.
    assert all(span.trace == TRACE for span in watched.spans if span.service == "pippin-worker")


def test_each_span_has_the_expected_parent(watched: Watched) -> None:
    names = {span.id: span.name for span in watched.spans}
    below = {(span.name, names.get(span.parent, "the client")) for span in watched.spans if span.trace == TRACE}
    assert below - {("checkpoint", "attempt")} == {
        ("POST /jobs", "the client"),
        ("attempt", "POST /jobs"),
        *((name, "attempt") for name in ("build", "fetch", "train", "store")),
        ("epoch", "train"),
    }


def test_probes_are_not_traced(watched: Watched) -> None:
    assert not [span for span in watched.spans if "healthz" in span.name or "readyz" in span.name]


def test_every_request_log_line_has_the_request_id(watched: Watched) -> None:
    submitted = [line for line in watched.service if line.get("request_id") == watched.request]
    assert ("POST", "/jobs", 202) in {(line.get("method"), line.get("path"), line.get("status")) for line in submitted}
    assert all("request_id" in line for line in watched.service if line["event"] == "request")


def test_every_attempt_log_line_has_job_and_attempt_number(watched: Watched) -> None:
    lifecycle = {"worker.parent.loop", "worker.parent.heartbeat", "worker.parent.rq_worker"}
    ours = [line for line in watched.worker if line["logger"].startswith(("worker.", "pippin."))]
    of_attempts = [line for line in ours if line["logger"] not in lifecycle]
    assert {line["event"] for line in of_attempts} >= {"claimed", "built the model", "training began", "epoch"}
    assert [line for line in of_attempts if (line.get("job"), line.get("attempt")) != (watched.job, 1)] == []


def test_logs_contain_no_secret(watched: Watched) -> None:
    for text in (json.dumps(watched.service), json.dumps(watched.worker)):
        assert not [secret for secret in watched.secrets if secret in text]
