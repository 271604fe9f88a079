"""Children, from a parent that is a process of its own: a fork of the test's process would copy all that runs in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import pytest

from tests.support.waiting import wait_for

# Starts a child that runs `work`, prints the child's process id and then its exit code.
_PARENT = """
import os, signal, sys, time
from pippin.store import Claim
from worker import child
from worker.child import Assignment
from worker.parent.shutdown import Shutdown
from worker.memory import MemoryWatch
from worker.parent.supervision import supervise

class Content:
    must_hand_back = False
    def overdue(self):
        return None

def say(*words):
    # In one piece: parent and child write to the same pipe.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def work(assignment):
    {work}

assignment = Assignment(Claim("default", "job_1", 3, "token"), "bench", "jax")
shutdown = Shutdown()
shutdown.install()
started = child.start_child(assignment, work, "{start_method}")
say(started.pid)
ending = supervise(started, shutdown, {grace}, Content(), MemoryWatch(started.pid, {limit}, every=0.05))
say(ending.code, ending.signal_name, ending.killed_for is not None)
"""

_EXIT_ON_SIGTERM = """
    heard = []
    signal.signal(signal.SIGTERM, lambda *_: heard.append(True))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    say("ready")
    while not heard: time.sleep(0.01)
    return 7
"""
_IGNORE_SIGTERM = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("ready")
    while True: time.sleep(0.01)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a parent whose child does `work`."""
    running: list[subprocess.Popen[str]] = []

    def begin(
        work: str,
        *,
        start_method: str = "fork",
        grace: float = 30,
        limit: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> "subprocess.Popen[str]":
        parent = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                _PARENT.format(work=work, start_method=start_method, grace=grace, limit=limit),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        running.append(parent)
        return parent

    yield begin
    for parent in running:
        with parent:
            parent.kill()


def _line(parent: "subprocess.Popen[str]") -> str:
    return cast("IO[str]", parent.stdout).readline().strip()


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        # The process that adopted it may not have reaped it yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_parent_gets_the_exit_code_of_the_child(start: Start) -> None:
    parent = start("return 5 if assignment.claim.number == 3 else 6")
    assert int(_line(parent)) > 0
    assert _line(parent) == "5 None False"
    assert parent.wait(10) == 0


def test_child_over_its_memory_limit_is_killed(start: Start) -> None:
    parent = start("held = bytearray(b'x') * 300_000_000; time.sleep(60)", limit=200_000_000)
    _line(parent)
    assert _line(parent) == "-9 SIGKILL True"


@pytest.mark.full
def test_child_within_its_memory_limit_is_not_killed(start: Start) -> None:
    parent = start("held = bytearray(b'x') * 100_000_000; time.sleep(0.5); return 3", limit=1_000_000_000)
    _line(parent)
    assert _line(parent) == "3 None False"


@pytest.mark.full
def test_an_exception_in_the_child_ends_the_child_alone(start: Start) -> None:
    parent = start("raise SystemExit(0)")
    _line(parent)
    assert _line(parent) == "1 None False"


@pytest.mark.full
def test_parent_gets_the_signal_that_killed_the_child(start: Start) -> None:
    parent = start("os.kill(os.getpid(), signal.SIGSEGV)")
    _line(parent)
    assert _line(parent) == "-11 SIGSEGV False"


@pytest.mark.full
def test_the_child_leads_a_process_group_of_its_own(start: Start) -> None:
    parent = start("return 0 if os.getpgid(0) == os.getpid() != os.getpgid(os.getppid()) else 1")
    _line(parent)
    assert _line(parent) == "0 None False"


def test_sigterm_is_forwarded_to_the_child(start: Start) -> None:
    parent = start(_EXIT_ON_SIGTERM)
    assert {_line(parent), _line(parent)} >= {"ready"}
    parent.send_signal(signal.SIGTERM)
    assert _line(parent) == "7 None False"


@pytest.mark.full
def test_sigterm_before_the_child_installs_its_handler_is_not_lost(start: Start) -> None:
    # The child receives the signal before it installs its handler.
    parent = start("os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.1)" + _EXIT_ON_SIGTERM)
    _line(parent)
    _line(parent)
    assert _line(parent) == "7 None False"


@pytest.mark.full
def test_child_that_ignores_sigterm_is_killed_after_the_grace(start: Start) -> None:
    parent = start(_IGNORE_SIGTERM, grace=0.1)
    assert {_line(parent), _line(parent)} >= {"ready"}
    parent.send_signal(signal.SIGINT)
    assert _line(parent) == "-9 SIGKILL True"


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's; macOS spawns")
def test_forked_child_ends_when_its_parent_is_killed(start: Start) -> None:
    parent = start(_IGNORE_SIGTERM)
    first, second = _line(parent), _line(parent)
    child = int(first if second == "ready" else second)
    assert _alive(child)
    parent.kill()
    parent.wait()
    wait_for(lambda: not _alive(child))


@pytest.mark.full
def test_spawned_child_ends_with_its_parent_and_shows_no_secret(start: Start, tmp_path: Path) -> None:
    # The child waits in retry_unavailable for a server that never answers, so that it still runs.
    environment = {"PIPPIN_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0", "PIPPIN_HOME": str(tmp_path)}
    parent = start("pass", start_method="spawn", environment=environment)
    child = int(_line(parent))
    assert _alive(child)
    shown = Path(f"/proc/{child}/cmdline").read_bytes()
    assert b"s3cret" not in shown
    assert b"token" not in shown
    parent.kill()
    parent.wait()
    wait_for(lambda: not _alive(child))
