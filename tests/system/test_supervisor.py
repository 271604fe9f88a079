"""`pippin up` with all its real parts: killed parts are restarted, stopping leaves no process, and data is kept."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pippin.client import Client
from tests.conftest import Up
from tests.support.environment import clean_environment
from tests.support.processes import is_running, pippin, stdout_of
from tests.support.specs import digits_spec
from tests.support.waiting import wait_for

StartUp = Callable[..., Up]

JOB = {"model": {"spec": digits_spec(epochs=1)}, "dataset": "mnist-sample"}


def run_up(*options: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a `pippin up` that is expected not to start."""
    return subprocess.run(
        pippin("up", *options),
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("with_signal", "workers", "names"),
    [
        pytest.param(signal.SIGTERM, 1, {"valkey", "service", "worker"}, marks=pytest.mark.full),
        (signal.SIGINT, 0, {"valkey", "service"}),
    ],
)
def test_stopped_supervisor_leaves_no_process(
    start_up: StartUp, with_signal: signal.Signals, workers: int, names: set[str]
) -> None:
    up = start_up("--workers", str(workers))
    parts = up.parts()
    assert set(parts) == names
    up.end(with_signal)
    assert up.process.returncode == 0
    assert [name for name, pid in parts.items() if is_running(pid)] == []
    assert not any("is killed" in line for line in up.log), up.log


def _has_restarted(up: Up, name: str, pid: int) -> bool:
    return up.parts().get(name, pid) != pid


@pytest.mark.full
def test_killed_parts_are_restarted_and_jobs_succeed(start_up: StartUp) -> None:
    up = start_up()
    with Client(up.url, patience=30) as client:
        for name, pid in up.parts().items():
            os.kill(pid, signal.SIGKILL)
            wait_for(partial(_has_restarted, up, name, pid), otherwise=up.log)
        assert client.wait(client.submit(JOB).id, timeout=60).status == "succeeded", up.log
    assert sum("killed by SIGKILL" in line for line in up.log) == 3


@pytest.mark.full
def test_killed_supervisor_leaves_no_process_and_keeps_its_data(start_up: StartUp, tmp_path: Path) -> None:
    up = start_up(home=tmp_path / "home")
    with Client(up.url, patience=30) as client:
        job = client.wait(client.submit(JOB).id, timeout=60)
        assert job.status == "succeeded", job
    parts = up.parts()
    up.end(signal.SIGKILL)
    wait_for(lambda: not any(is_running(pid) for pid in parts.values()))
    again = start_up(home=tmp_path / "home")
    with Client(again.url, patience=30) as client:
        assert client.job(job.id) == job
        assert client.download(job.id, tmp_path / "kept.mlmodel").stat().st_size > 0


@pytest.mark.full
def test_second_supervisor_on_the_same_home_is_refused(running_up: Up) -> None:
    done = run_up("--home", running_up.home, "--port", "0")
    assert done.returncode == 2
    assert f"{running_up.home} is in use by the process {running_up.process.pid}" in done.stderr
    with Client(running_up.url) as client:
        assert client.is_ready()


@pytest.mark.full
def test_port_in_use_is_reported_before_any_part_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_up("--port", port, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert f"Port {port} of 127.0.0.1 cannot be used: it is in use." in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "home").exists()


@pytest.mark.full
def test_address_of_another_machine_is_reported(tmp_path: Path) -> None:
    for host in ("192.0.2.1", "no such host"):
        done = run_up("--host", host, "--home", tmp_path / "home")
        assert done.returncode == 2
        assert f"of {host} cannot be used: " in done.stderr


def test_password_is_in_no_command_line_and_no_log(running_up: Up) -> None:
    listed = subprocess.run(["ps", "-Aww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    password = (running_up.home / "valkey" / "password").read_text().strip()
    assert len(password) > 20
    assert password not in listed
    assert password not in "".join(running_up.log)


@pytest.mark.full
def test_external_redis_replaces_the_embedded_one(start_up: StartUp, valkey_url: str) -> None:
    up = start_up("--workers", "2", redis_url=valkey_url)
    listed = up.parts()
    assert "valkey" not in listed
    assert not (up.home / "valkey").exists()
    with Client(up.url, patience=30) as client:
        wait_for(lambda: len(client.workers()) == 2)
    done = run_up("--home", up.home, "--port", "0", PIPPIN_REDIS_URL=valkey_url)
    assert done.returncode == 2
    assert "is in use by the process" in done.stderr


@pytest.mark.full
def test_up_prints_its_address_and_next_commands(tmp_path: Path) -> None:
    process = subprocess.Popen(
        pippin("up", "--port", "0", "--home", tmp_path / "home", "--workers", "0"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        lines: list[str] = []
        while not any("pippin jobs" in line for line in lines):
            lines.append(stdout_of(process).readline())
            assert lines[-1], lines
    finally:
        process.terminate()
        process.wait(30)
        stdout_of(process).close()
    printed = [line.partition("│ ")[2] for line in lines if line.startswith("pippin")]
    assert printed[0].startswith("ready at http://127.0.0.1:")
    assert printed[1].startswith("  curl -s http://127.0.0.1:")
