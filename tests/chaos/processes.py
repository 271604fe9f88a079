"""Processes as /proc shows them (Linux only)."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def send(pid: int, with_signal: signal.Signals) -> bool:
    """Send a signal; whether the process existed."""
    try:
        os.kill(pid, with_signal)
    except ProcessLookupError:
        return False
    return True


def with_variable(name: str, value: str) -> dict[int, str]:
    """The command lines of all processes with this environment variable, by process id, without zombies."""
    wanted = f"{name}={value}".encode()
    commands = {}
    for folder in Path("/proc").glob("[0-9]*"):
        # Skip processes that end meanwhile and processes of other users.
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                commands[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
    return commands


def gone(name: str, value: str, seconds: float) -> dict[int, str]:
    """The processes of `with_variable` that still exist after `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := with_variable(name, value)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
