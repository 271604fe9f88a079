"""Malicious uploads: each is refused with a clear message, in bounded memory, and leaves no file."""

import io
import json
import signal
import socket
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.settings import Settings
from pippin.store import Store
from service.datasets import ingest
from tests.service.conftest import MakeTrainer, RunningService, Submit
from tests.support.environment import clean_environment
from tests.support.problems import fault, is_problem
from tests.support.waiting import wait_for

# This includes the memory that the fork server shares with its children.
MOST_PEAK = 600 * 2**20


@pytest.fixture(scope="module")
def shared_service(make_settings: Callable[..., Settings]) -> Iterator[RunningService]:
    limits = {"max_dataset_bytes": 64 * 2**20, "max_dataset_unpacked_bytes": 64 * 2**20}
    with RunningService(make_settings(**limits, sample=False)) as service:
        yield service


@pytest.fixture
def send(service: RunningService, http: httpx2.Client) -> Iterator[Callable[..., httpx2.Response]]:
    """Uploads bytes as a dataset."""
    yield lambda content, **query: http.post("/datasets", params={"name": "bad", **query}, content=content)
    assert service.uploads() == []
    assert service.services.sandbox.peak_bytes < MOST_PEAK


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(shape: tuple[int, ...], data: bytes) -> bytes:
    header = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


HOSTILE: dict[str, tuple[Callable[[], dict[str, bytes] | bytes], int, str]] = {
    "unpacks to more than is allowed": (
        lambda: {"image.npy": npy((80, 2**20), bytes(80 * 2**20))},
        413,
        "unpacks to more",
    ),
    "declares terabytes": (lambda: {"image.npy": npy((1000, 2**30), b"")}, 422, "which is 1,073,741,824,000 bytes"),
    "declares too many examples": (lambda: {"image.npy": npy((2**60,), b"")}, 413, "examples"),
    "too many pixels": (lambda: {"a/1.png": png(9000, 9000, bytes(1000))}, 413, "9000 by 9000 pixels"),
    "a line of 30 MB": (lambda: b"label,x\n1," + b"9" * 30_000_000, 413, "longer than 8,388,608"),
    "a line of four million cells": (lambda: b"1," * 4_000_000 + b"1\n", 413, "100,000"),
}


@pytest.mark.full
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_upload_is_refused_in_bounded_memory(send: Callable[..., httpx2.Response], name: str) -> None:
    make, status, message = HOSTILE[name]
    content = make()
    answer = send(content, format="csv") if isinstance(content, bytes) else send(zipped(content))
    assert message in json.dumps(is_problem(answer, status), ensure_ascii=False)


def test_sandbox_limits_are_reported_as_faults_of_the_upload(
    send: Callable[..., httpx2.Response], tiny_npz: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_MEMORY_BYTES", 4096)
    big = zipped({"image.npy": npy((8, 2**20), bytes(8 * 2**20))})
    assert "took too much memory" in fault(send(big))[1]
    monkeypatch.undo()
    monkeypatch.setattr(ingest, "_BASE_SECONDS", 0.0)
    monkeypatch.setattr(ingest, "_MIN_BYTES_PER_SECOND", 10**12)
    assert "took too long" in fault(send(big))[1]
    monkeypatch.undo()
    assert send(tiny_npz).status_code == 201


def test_maximum_number_of_features_is_accepted(send: Callable[..., httpx2.Response]) -> None:
    members = {f"train/feature{number}.npy": npy((2,), b"\0\1") for number in range(256)}
    answer = send(zipped(members))
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["features"]) == 256


def children_of(server_pid: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{server_pid}/task/{server_pid}/children").read_text().split()]


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_client_disconnect_ends_the_sandboxed_child(service: RunningService) -> None:
    # Ten million rows take tens of seconds to read.
    body = b"label,x\n" + b"1,2\n" * 10_000_000
    server_pid = service.services.sandbox.fork_server_pid
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /datasets?name=slow&format=csv HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
            + f"content-length: {len(body)}\r\n\r\n".encode()
        )
        connection.sendall(body)
        wait_for(lambda: children_of(server_pid), "the child begins")
        (child,) = children_of(server_pid)
    wait_for(lambda: not Path(f"/proc/{child}").exists(), "the child ends")
    wait_for(lambda: not service.uploads(), "its room is emptied")
    assert service.services.sandbox.fork_server_pid == server_pid


@pytest.fixture
def confined(valkey_url: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL and home of a service whose files cannot exceed a megabyte, which simulates a full disk."""
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            # In units of 512 bytes.
            ["/bin/sh", "-c", 'ulimit -f 2000 && exec "$@"', "sh", sys.executable, "-P", "-m", "service"],
            env=clean_environment(PIPPIN_HOME=str(tmp_path / "home"), PIPPIN_REDIS_URL=valkey_url, PIPPIN_PORT="0"),
            stderr=file,
        )
    try:
        wait_for(lambda: "listening" in log.read_text() or process.poll() is not None, "the service listens")
        line = next(line for line in log.read_text().splitlines() if "listening" in line)
        host, port = json.loads(line)["address"]
        yield f"http://{host}:{port}", tmp_path / "home"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.mark.full
def test_full_disk_is_a_507_and_leaves_no_partial_file(confined: tuple[str, Path]) -> None:
    url, home = confined
    noise = np.random.default_rng(1).integers(0, 256, 3_000_000, np.uint8).tobytes()
    arrays = npy((15, 200_000), bytes(3_000_000))
    with httpx2.Client(base_url=url, timeout=60) as http:
        # The disk is full during the upload, while the archive is unpacked, and when the blob is stored.
        for answer in (
            http.post("/datasets?name=noise&format=npz", content=noise),
            http.post("/datasets?name=zeros", content=zipped({"image.npy": arrays})),
            http.post("/models?name=noise", content=noise),
        ):
            problem = is_problem(answer, 507, "insufficient-storage")
            assert "disk is full" in problem["detail"]
            assert answer.headers["retry-after"] == "60"
        assert http.get("/datasets").json()["data"] == http.get("/models").json()["data"] == []
        small = zipped({"image.npy": npy((4, 3), bytes(12)), "label.npy": npy((4,), bytes(4))})
        assert http.post("/datasets?name=small", content=small).status_code == 201
    assert list((home / "uploads").iterdir()) == []
    assert list((home / "blobs").rglob("*#*")) == []


def test_running_jobs_continue_when_redis_is_too_full_for_new_ones(
    http: httpx2.Client, submit: Submit, job_request: dict[str, Any], store: Store, trainer: MakeTrainer
) -> None:
    attempt = trainer(submit(report="batch")["id"])
    limit = store.redis.config_get("maxmemory")["maxmemory"]
    store.redis.config_set("maxmemory", int(store.redis.info("memory")["used_memory"] * 1.2))
    try:
        for path, body in (("/jobs", {"json": job_request}), ("/models", {"json": {}}), ("/datasets?name=x", {})):
            is_problem(http.post(path, **body), 503, "unavailable")
        attempt.begin()
        for epoch in range(1, 4):
            attempt.epoch(epoch, [0.5] * 100)
            attempt.log("a line")
        attempt.succeed()
        job = http.get(attempt.path).json()
        assert http.delete(attempt.path).status_code == 204
    finally:
        store.redis.config_set("maxmemory", str(limit))
    assert (job["status"], job["progress"]["epoch"]) == ("succeeded", 3)
