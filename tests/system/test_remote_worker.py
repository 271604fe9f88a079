"""A worker that shares no folder with the service: it reaches Redis and the blobs over TLS, with a token."""

import hashlib
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx2
import pytest

from pippin.client import Client
from pippin.local.valkey import running_url
from pippin.store import connect
from tests.conftest import Up
from tests.support.environment import clean_environment
from tests.support.paths import WORKER_ACL
from tests.support.processes import module, pippin, stderr_of
from tests.support.tls import Authority, TlsFront

# Whole processes take their time.
pytestmark = pytest.mark.full


CUT_AFTER = 300_000
PASSWORD = "workers-own"


@dataclass
class Service:
    """A service without workers, and the two TLS proxies for a remote worker.

    Attributes:
        url: The address of the service on its own machine.
        blobs: The proxy of its `/blobs`, which breaks the first download.
        worker: The environment of a remote worker, without its token.
        run: Runs `pippin` on the service's machine; returns its stdout.
    """

    url: str
    blobs: TlsFront
    worker: Mapping[str, str]
    run: Callable[..., str]


@pytest.fixture
def service(start_up: Callable[..., Up], tmp_path: Path) -> Iterator[Service]:
    up = start_up("--workers", "0")
    redis_port, port = urlsplit(running_url(up.home) or "").port or 0, urlsplit(up.url).port or 0
    authority = Authority(tmp_path)

    def run(*arguments: str) -> str:
        environment = clean_environment(PIPPIN_HOME=str(up.home), PIPPIN_URL=up.url)
        line = pippin(*arguments)
        return subprocess.run(line, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout

    _, name, *rules = WORKER_ACL.read_text().split()
    with connect(running_url(up.home) or "") as administrator:
        administrator.execute_command("ACL", "SETUSER", name, *rules, f">{PASSWORD}")

    with (
        TlsFront(redis_port, authority) as records,
        TlsFront(port, authority, cut_after=CUT_AFTER) as blobs,
    ):
        address = f"rediss://{name}:{PASSWORD}@127.0.0.1:{records.port}/0?ssl_ca_certs={authority.certificate}"
        environment = clean_environment(
            PIPPIN_HOME=str(tmp_path / "far"),
            PIPPIN_REDIS_URL=address,
            PIPPIN_BLOBS_URL=f"https://localhost:{blobs.port}",
            SSL_CERT_FILE=str(authority.certificate),
        )
        yield Service(up.url, blobs, environment, run)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    return path


class FarWorker:
    """A worker process that ends with its `with` block."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            module("worker", "--name", "far"), env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self.log = b""
        self._reader = threading.Thread(target=self._read)

    def _read(self) -> None:
        for line in stderr_of(self.process):
            self.log += line

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join(10)
            stderr_of(self.process).close()


def test_remote_worker_trains_and_resumes_a_broken_download(service: Service, token_file: Path, tmp_path: Path) -> None:
    token_file.write_text(service.run("tokens", "create", "--role", "worker", "--name", "far"))
    with FarWorker({**service.worker, "PIPPIN_TOKEN_FILE": str(token_file)}) as far, Client(service.url) as client:
        request = {"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample", "hyperparameters": {"epochs": 1}}
        job = client.submit(request)
        ended = client.wait(job.id, timeout=90)
        assert ended.status == "succeeded", far.log.decode()
        model = client.download(job.id, tmp_path / "trained.mlmodel")
        dataset = client.dataset("mnist-sample")
    artifacts = {each.variant: each.digest for each in ended.artifacts}
    assert artifacts["trained"] == f"sha256:{hashlib.sha256(model.read_bytes()).hexdigest()}"

    # The dataset was downloaded in two parts, the second from the offset at which the first broke off.
    name = dataset.digest.removeprefix("sha256:")
    gets = [begin for begin in service.blobs.begins if begin.startswith(f"GET /blobs/{name}".encode())]
    ranges = [re.search(rb"(?i)\r\nrange: bytes=(\d+)-(\d+)\r\n", begin) for begin in gets]
    starts = [int(found[1]) for found in ranges if found]
    assert len(gets) == len(starts) == 2
    assert starts[0] == 0
    assert 0 < starts[1] < CUT_AFTER
    assert all(f'if-range: "{name}"'.encode() in begin.lower() for begin in gets)
    assert (tmp_path / "far" / "cache" / "blobs" / name).stat().st_size == dataset.bytes

    # The worker uploaded its files, including checkpoints, through the same proxy with the token, which is not logged.
    puts = [begin for begin in service.blobs.begins if begin.startswith(b"PUT /blobs/")]
    assert {begin.split()[1].decode() for begin in puts} >= {
        f"/blobs/{digest.removeprefix('sha256:')}" for digest in artifacts.values()
    }
    token = token_file.read_text().strip()
    assert all(f"authorization: bearer {token}".encode() in begin.lower() for begin in service.blobs.begins)
    assert token not in far.log.decode()


@pytest.mark.parametrize("shown", ["revoked", "none"])
def test_remote_worker_without_a_live_token_exits_with_advice(service: Service, token_file: Path, shown: str) -> None:
    token_file.write_text(service.run("tokens", "create", "--role", "worker", "--name", "far"))
    service.run("tokens", "revoke", "far")
    setting = {"PIPPIN_TOKEN_FILE": str(token_file)} if shown == "revoked" else {}
    done = subprocess.run(
        module("worker"), env={**service.worker, **setting}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "PIPPIN_TOKEN_FILE" in done.stderr
    assert "pippin tokens create --role worker" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert httpx2.get(f"{service.url}/workers").json()["data"] == []
