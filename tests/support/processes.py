"""Pippin's programs as command lines of processes, and the state of a process."""

import os
import subprocess
import sys
from typing import IO, AnyStr


def module(name: str, *arguments: object) -> list[str]:
    """`python -m name` with the tests' interpreter: `module("worker", "--name", "far")`."""
    return [sys.executable, "-P", "-m", name, *map(str, arguments)]


def pippin(*arguments: object) -> list[str]:
    """`pippin` with these arguments."""
    return module("pippin", *arguments)


def stdout_of(process: subprocess.Popen[AnyStr]) -> IO[AnyStr]:
    """The pipe that a process writes its output to."""
    assert process.stdout is not None
    return process.stdout


def stderr_of(process: subprocess.Popen[AnyStr]) -> IO[AnyStr]:
    """The pipe that a process writes its errors to."""
    assert process.stderr is not None
    return process.stderr


def is_running(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip()[:1] not in {"", "Z"}
