"""Passwords and tokens are in no command line, log or error message, even after failures."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from pippin.client import Client
from pippin.local.valkey import running_url
from tests.conftest import Up
from tests.support.environment import clean_environment
from tests.support.processes import module, pippin

SECRET = "hunter2%2Fhunter2"

pytestmark = [pytest.mark.full, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def command_lines() -> set[str]:
    """The command lines of all running processes."""
    lines = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines.add((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines


@contextmanager
def watched() -> Iterator[set[str]]:
    """Collect the command lines of all processes repeatedly during the block."""
    seen, over = command_lines(), threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            seen.update(command_lines())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        seen.update(command_lines())


def test_job_exposes_neither_password_nor_token(start_up: Callable[..., Up], tmp_path: Path) -> None:
    with watched() as seen:
        up = start_up()
        file = tmp_path / "token"
        file.touch(mode=0o600)
        environment = clean_environment(PIPPIN_HOME=str(up.home), PIPPIN_URL=up.url, PIPPIN_TOKEN_FILE=str(file))

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            line = pippin(*arguments)
            return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=True)

        token = run("tokens", "create", "--role", "submit").stdout.strip()
        file.write_text(token)
        output = [run("tokens", "list"), run("workers"), run("datasets", "list")]
        assert httpx2.get(f"{up.url}/jobs").status_code == 401
        with Client(up.url, token=token) as client:
            request = {"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample", "hyperparameters": {"epochs": 1}}
            job = client.wait(client.submit(request).id, timeout=90)
            assert job.status == "succeeded", "".join(up.log)
        password = urlsplit(running_url(up.home) or "").password
        workers_password = (up.home / "valkey" / "worker-password").read_text().strip()
        up.end()
    assert password
    assert workers_password
    secrets = (password, workers_password, token, token.rpartition("_")[2])
    assert any("valkey-server" in line for line in seen)
    assert any("-m worker" in line for line in seen)
    shown = [*seen, *up.log, *(each.stdout + each.stderr for each in output)]
    assert len(up.log) > 10
    assert not [line for line in shown for secret in secrets if secret in line]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(f"redis://user:{SECRET}@127.0.0.1:1/0", id="no listener"),
        pytest.param(f"redis://:{SECRET}@127.0.0.1:{{port}}/0", id="wrong password"),
        pytest.param(f"rediss://user:{SECRET}@127.0.0.1:{{port}}/0", id="no TLS"),
    ],
)
def test_failed_redis_connection_does_not_expose_its_password(valkey_url: str, tmp_path: Path, address: str) -> None:
    environment = clean_environment(
        PIPPIN_REDIS_URL=address.format(port=urlsplit(valkey_url).port),
        PIPPIN_HOME=str(tmp_path),
        PIPPIN_PORT="0",
        PIPPIN_LOG_LEVEL="debug",
    )
    processes = [
        subprocess.Popen(module(name), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for name in ("service", "worker")
    ]

    def terminate() -> None:
        for process in processes:
            process.terminate()

    timer = threading.Timer(20, terminate)
    timer.start()
    try:
        for process in processes:
            output, _ = process.communicate(timeout=60)
            assert output
            assert "hunter2" not in output
    finally:
        timer.cancel()
        for process in processes:
            process.kill()
            process.communicate()
