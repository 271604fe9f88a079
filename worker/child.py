"""The child process that makes one attempt: forked where a fork is safe, spawned elsewhere, killed with its parent.

A fork of a parent that has imported everything and computed nothing reaches its first training step in 0.1 s; a new
interpreter needs 2 s for imports. On macOS Objective-C does not survive a fork.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Literal

from pippin.store import Claim
from pippin.system.processes import fork_and_run


@dataclass(frozen=True)
class Assignment:
    """One attempt at a job, assigned to one child.

    Attributes:
        claim: The job, the attempt's number and its token. The parent draws the token, so that the parent can settle
            the attempt of a child that died.
        worker: The worker's name, as `/workers` shows it.
        engine: The name of the engine that trains.
    """

    claim: Claim
    worker: str
    engine: str

    def to_json(self) -> str:
        """Serialize to one line, for a spawned child, which shares no memory with its parent."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Assignment":
        """Parse a line that `to_json` wrote."""
        fields = json.loads(line)
        return cls(claim=Claim(**fields.pop("claim")), **fields)


StartMethod = Literal["fork", "spawn"]
DEFAULT_START_METHOD: StartMethod = "spawn" if sys.platform == "darwin" else "fork"

_SIGNALS = {signal.SIGTERM, signal.SIGINT}
_POLL_SECONDS = 0.02


class Child:
    """A handle of the parent to a child process."""

    def __init__(self, pid: int, lifeline: int | None = None) -> None:
        self.pid = pid
        self._lifeline = lifeline
        self._exit_code: int | None = None

    def wait(self, seconds: float) -> int | None:
        """Wait up to `seconds` for the exit: the exit code, the negated signal number, or None if still running."""
        deadline = time.monotonic() + seconds
        while self._exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._exit_code = os.waitstatus_to_exitcode(status)
                if self._lifeline is not None:
                    os.close(self._lifeline)
            elif time.monotonic() >= deadline:
                return None
            else:
                time.sleep(_POLL_SECONDS)
        return self._exit_code

    def terminate(self) -> None:
        """Send SIGTERM: the child stops at the next chunk and hands its job back. Safe in a signal handler."""
        if self._exit_code is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the child and all processes of its group with SIGKILL."""
        if self._exit_code is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def start_child(
    assignment: Assignment, main: Callable[[Assignment], int], start_method: StartMethod = DEFAULT_START_METHOD
) -> Child:
    """Start a child, in a process group of its own, that runs `main(assignment)` and exits with the returned code.

    SIGTERM and SIGINT are blocked when `main` starts; `main` unblocks them once its handlers are installed.

    Args:
        assignment: The attempt that the child makes.
        main: Run in a forked child. A spawned child runs `worker.attempt.entry` instead, in a new interpreter that
            reads its settings, including the address of Redis, from the environment and the assignment from a pipe,
            so that no secret shows in the list of processes.
        start_method: How to start the child.
    """
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return _fork(assignment, main) if start_method == "fork" else _spawn(assignment)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)


def _fork(assignment: Assignment, main: Callable[[Assignment], int]) -> Child:
    def run() -> int:
        os.setpgid(0, 0)
        return main(assignment)

    pid = fork_and_run(run)
    # Both sides set the group: the parent may have to kill the group before the child has set it.
    with suppress(OSError):
        os.setpgid(pid, pid)
    return Child(pid)


def _spawn(assignment: Assignment) -> Child:
    reader, writer = os.pipe()
    try:
        pid = os.posix_spawn(
            sys.executable,
            # -P: a `worker.py` in the current folder must not shadow the package `worker`.
            [sys.executable, "-P", "-m", "worker.attempt.entry"],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0)],
            setpgroup=0,
        )
    except OSError:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    # `wait` reports a child that has exited already.
    with suppress(BrokenPipeError):
        os.write(writer, assignment.to_json().encode() + b"\n")
    return Child(pid, lifeline=writer)


def die_at_end_of(pipe: int) -> None:
    """Kill this process when the other end of `pipe` closes: replaces PDEATHSIG in a spawned child."""

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
