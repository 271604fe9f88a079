"""Children, from a parent that is a process of its own: a fork of the test's process would copy all that runs in it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Self, cast

import pytest

from tests.support.waiting import wait_for

# For each line on stdin: starts a child that runs `work`, prints the child's process id and then its exit code.
_PARENT = """
import json, os, signal, sys, textwrap, time
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

assignment = Assignment(Claim("default", "job_1", 3, "token"), "bench", "jax")
shutdown = Shutdown()
shutdown.install()
for line in iter(sys.stdin.readline, ""):
    work, start_method, grace, limit = json.loads(line)
    exec("def run(assignment):" + textwrap.indent(work, "    "))
    started = child.start_child(assignment, run, start_method)
    say(started.pid)
    ending = supervise(started, shutdown, grace, Content(), MemoryWatch(started.pid, limit, every=0.05))
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


class Parent:
    """A process that starts children and supervises them, one after the other."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PARENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def begin(self, work: str, *, start_method: str = "fork", grace: float = 30, limit: int | None = None) -> None:
        pipe = cast("IO[str]", self.process.stdin)
        pipe.write(json.dumps([f"\n{work.strip()}\n", start_method, grace, limit]) + "\n")
        pipe.flush()

    def line(self) -> str:
        return cast("IO[str]", self.process.stdout).readline().strip()

    def begin_ready(self, work: str, **options: float) -> int:
        """The process id of a child that has printed `ready`."""
        self.begin(work, **options)
        # The parent prints the id, and either line may come first.
        lines = {self.line(), self.line()}
        assert "ready" in lines
        (pid,) = lines - {"ready"}
        return int(pid)


@pytest.fixture(scope="module")
def shared_parent() -> Iterator[Parent]:
    """For tests that do not end it and send it no signal."""
    with Parent() as parent:
        yield parent


@pytest.fixture
def parent() -> Iterator[Parent]:
    with Parent() as parent:
        yield parent


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        # The process that adopted it may not have reaped it yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    ("work", "limit", "ending"),
    [
        ("return 5 if assignment.claim.number == 3 else 6", None, "5 None False"),
        ("held = bytearray(b'x') * 300_000_000; time.sleep(60)", 200_000_000, "-9 SIGKILL True"),
        ("held = bytearray(b'x') * 100_000_000; time.sleep(0.2); return 3", 1_000_000_000, "3 None False"),
        ("raise SystemExit(0)", None, "1 None False"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", None, "-11 SIGSEGV False"),
        ("return 0 if os.getpgid(0) == os.getpid() != os.getpgid(os.getppid()) else 1", None, "0 None False"),
    ],
    ids=[
        "exit code",
        "killed over its memory limit",
        "not killed within its memory limit",
        "exception",
        "signal",
        "process group of its own",
    ],
)
def test_parent_learns_how_the_child_ended(shared_parent: Parent, work: str, limit: int | None, ending: str) -> None:
    shared_parent.begin(work, limit=limit)
    assert int(shared_parent.line()) > 0
    assert shared_parent.line() == ending
    assert shared_parent.process.poll() is None


@pytest.mark.full
def test_sigterm_is_forwarded_to_the_child(parent: Parent) -> None:
    parent.begin_ready(_EXIT_ON_SIGTERM)
    parent.process.send_signal(signal.SIGTERM)
    assert parent.line() == "7 None False"


@pytest.mark.full
def test_sigterm_before_the_child_installs_its_handler_is_not_lost(shared_parent: Parent) -> None:
    # The child receives the signal before it installs its handler.
    shared_parent.begin_ready("os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.1)" + _EXIT_ON_SIGTERM)
    assert shared_parent.line() == "7 None False"


@pytest.mark.full
def test_child_that_ignores_sigterm_is_killed_after_the_grace(parent: Parent) -> None:
    parent.begin_ready(_IGNORE_SIGTERM, grace=0.1)
    parent.process.send_signal(signal.SIGINT)
    assert parent.line() == "-9 SIGKILL True"


def _assert_child_ends_with(parent: Parent, child: int) -> None:
    assert _alive(child)
    parent.process.kill()
    parent.process.wait()
    wait_for(lambda: not _alive(child))


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's; macOS spawns")
def test_forked_child_ends_when_its_parent_is_killed(parent: Parent) -> None:
    _assert_child_ends_with(parent, parent.begin_ready(_IGNORE_SIGTERM))


@pytest.mark.full
def test_spawned_child_ends_with_its_parent_and_shows_no_secret(tmp_path: Path) -> None:
    # The child waits in retry_unavailable for a server that never answers, so that it still runs.
    with Parent(PIPPIN_REDIS_URL="redis://:s3cret@127.0.0.1:1/0", PIPPIN_HOME=str(tmp_path)) as parent:
        parent.begin("pass", start_method="spawn")
        child = int(parent.line())
        arguments = Path(f"/proc/{child}/cmdline").read_bytes()
        assert b"s3cret" not in arguments
        assert b"token" not in arguments
        _assert_child_ends_with(parent, child)
