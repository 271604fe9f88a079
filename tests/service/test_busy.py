"""One client's heavy requests block neither other clients nor the background tasks."""

import io
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.datasets.upload import Upload
from pippin.store.jobs import Jobs
from service.datasets.ingest import Ingestion
from service.http import bodies
from service.http.bodies import SMALL_BYTES
from service.sandbox import SandboxError, Workload
from service.sandbox.workload import SMALL_FILE_BYTES
from tests.service.conftest import MakeService
from tests.support.environment import clean_environment
from tests.support.problems import is_problem
from tests.support.waiting import wait_for

LARGE_BODY = b'{"model": {"preset": "mnist-cnn"}, "dataset": "none"}' + b" " * SMALL_BYTES
SMALL_BODY = b'{"model": {"preset": "mnist-cnn"}, "dataset": "none"}'
JSON = {"content-type": "application/json"}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event that blocks the work in these tests; it is set at the end."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as threads:
        yield threads


def test_body_needing_too_much_memory_is_refused_unparsed(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(sample=False, body_memory_bytes=10 * 2**20)
    monkeypatch.setattr(bodies, "parse_json", pytest.fail)
    with service.client() as http:
        answer = http.post("/jobs", content=b"[" + b"[]," * 100_000 + b"1]", headers=JSON)
    assert "about 13," in is_problem(answer, 413, "body-too-large")["detail"]


def test_large_bodies_are_serialized_and_small_ones_are_not(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch, gate: threading.Event, pool: ThreadPoolExecutor
) -> None:
    service = make_service(sample=False, busy_wait_seconds=0.5)
    parse = bodies.parse_json
    parsing = []

    def loads(data: bytes) -> object:
        if len(data) > SMALL_BYTES:
            parsing.append(threading.current_thread())
            assert gate.wait(60)
        return parse(data)

    monkeypatch.setattr(bodies, "parse_json", loads)
    with service.client() as http:

        def post(body: bytes) -> httpx2.Response:
            return http.post("/jobs", content=body, headers=JSON)

        large = [pool.submit(post, LARGE_BODY) for _ in range(10)]
        wait_for(lambda: service.figure("pippin_busy_refusals_total", resource="large bodies") == 8)
        assert len(parsing) == 1
        is_problem(post(SMALL_BODY), 422)
        assert http.get("/jobs").status_code == 200
        gate.set()
        answers = [answer.result() for answer in large]
    assert sorted(answer.status_code for answer in answers) == [422] * 2 + [503] * 8
    for answer in answers:
        if answer.status_code == 503:
            is_problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "10"


def test_waiting_bodies_are_spooled_to_disk_and_removed(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch, gate: threading.Event, pool: ThreadPoolExecutor
) -> None:
    service = make_service(sample=False, body_memory_bytes=2**20)
    parse = bodies.parse_json
    monkeypatch.setattr(bodies, "parse_json", lambda data: gate.wait(60) and parse(data))
    uploads = service.settings.home / "uploads"
    with service.client() as http:
        sent = [pool.submit(http.post, "/jobs", content=b" " * 400_000 + SMALL_BODY, headers=JSON) for _ in range(5)]
        wait_for(lambda: service.figure("pippin_waiting_requests", resource="large bodies") == 4)
        waiting = [path.stat().st_size for path in uploads.glob("*/body")]
        assert waiting == [400_000 + len(SMALL_BODY)] * 4
        gate.set()
        assert [answer.result().status_code for answer in sent] == [422] * 5
    wait_for(lambda: not list(uploads.glob("*")))


def test_reaper_runs_while_every_shared_thread_is_busy(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch, gate: threading.Event, pool: ThreadPoolExecutor
) -> None:
    service = make_service(sample=False, reaper_interval_seconds=0.1)
    busy: list[int] = []

    def page(*_: object, **__: object) -> bool:
        busy.append(1)
        return gate.wait(60)

    monkeypatch.setattr(Jobs, "page", page)
    limits = httpx2.Limits(max_connections=60)
    with httpx2.Client(base_url=service.url, timeout=60, limits=limits, verify=False) as http:
        for _ in range(45):
            pool.submit(http.get, "/jobs")
        # All shared threads.
        wait_for(lambda: len(busy) >= 39)
        looked = service.figure("pippin_reaper_last_look_timestamp_seconds")
        wait_for(lambda: service.figure("pippin_reaper_last_look_timestamp_seconds") > looked + 0.3)
        gate.set()


_STUCK = """
import sys, time
from pippin.store.jobs import Jobs
from service.__main__ import main
from service.background.reaper import Reaper

def stuck(*_, **__):
    print("stuck", file=sys.stderr, flush=True)
    time.sleep(1000)

if sys.argv[1] == "request":
    Jobs.page = stuck
else:
    Reaper.run_once = stuck
sys.exit(main())
"""


@pytest.mark.full
@pytest.mark.parametrize(("where", "sent"), [("request", signal.SIGTERM), ("duty", signal.SIGINT)])
def test_signal_ends_the_service_despite_a_stuck_thread(
    where: str, sent: signal.Signals, valkey_url: str, tmp_path: Path
) -> None:
    environment = clean_environment(
        PIPPIN_REDIS_URL=valkey_url, PIPPIN_HOME=str(tmp_path), PIPPIN_PORT="0", PIPPIN_SERVICE_GRACE_SECONDS="0"
    )
    command = [sys.executable, "-c", _STUCK, where]
    with ExitStack() as stack, subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as service:
        stack.callback(service.kill)
        assert service.stderr is not None
        stderr = service.stderr
        log: list[str] = []

        def logged(part: str) -> str:
            while not any(part in line for line in log):
                log.append(stderr.readline())
                assert log[-1], log
            return next(line for line in log if part in line)

        _, port = json.loads(logged('"listening"'))["address"]
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        connection.sendall(b"GET /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        logged("stuck\n")
        service.send_signal(sent)
        if sent == signal.SIGTERM:
            # uvicorn shuts down everything else and then re-raises the signal.
            assert service.wait(60) == -signal.SIGTERM
        else:
            # Python waits for its threads; the forced exit does not.
            assert service.wait(60) == 128 + signal.SIGINT
            logged("threads are still running")


def _npz(size: int) -> bytes:
    """A dataset of at least `size` bytes."""
    rows = max(4, size // 4)
    file = io.BytesIO()
    np.savez(file, **{"train/x": np.zeros((rows, 1), np.float32), "train/y": np.zeros((rows, 1), np.float32)})  # type: ignore[arg-type]
    return file.getvalue()


def test_large_uploads_do_not_block_a_small_one(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch, gate: threading.Event, pool: ThreadPoolExecutor
) -> None:
    service = make_service(sample=False, busy_wait_seconds=1)
    ingest = Ingestion.ingest
    read = []

    def slow(self: Ingestion, upload: Upload, *args: Any, **options: Any) -> object:  # noqa: ANN401
        if upload.bytes > SMALL_FILE_BYTES:
            read.append(upload)
            assert gate.wait(60)
        return ingest(self, upload, *args, **options)

    monkeypatch.setattr(Ingestion, "ingest", slow)
    large, small = _npz(SMALL_FILE_BYTES), _npz(100)
    with service.client() as http:

        def add(name: str, content: bytes) -> httpx2.Response:
            return http.post("/datasets", params={"name": name}, content=content)

        first = [pool.submit(add, f"large{number}", large) for number in range(2)]
        wait_for(lambda: len(read) == 2)
        is_problem(add("large2", large), 503, "unavailable")
        assert add("small", small).status_code == 201
        gate.set()
        assert [answer.result().status_code for answer in first] == [201, 201]


async def test_slow_small_upload_is_retried_among_the_large_ones() -> None:
    workload = Workload(wait_seconds=30)
    tried: list[float | None] = []

    def work(seconds: float | None) -> str:
        tried.append(seconds)
        if seconds is not None:
            assert workload.small_files._held.total() == 1
            raise SandboxError("too_slow", "it took too long")
        assert workload.large_files._held.total() == 1
        assert workload.small_files._held.total() == 0
        return "read"

    assert await workload.read("ada", 1000, work) == "read"
    assert tried == [10.0, None]
    tried.clear()
    assert await workload.read("ada", SMALL_FILE_BYTES + 1, work) == "read"
    assert tried == [None]
