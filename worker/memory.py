"""Limits on a training's memory: estimated from shapes before it begins, enforced by the kernel or by the parent."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from pippin.api.states import Reason
from pippin.models.spec.memory import TrainingMemory
from worker.engines.engine import EngineError

if sys.platform == "linux":
    import resource

_PS = "/bin/ps"


def check_training(memory: TrainingMemory, mini_batch_size: int | None, examples: int, max_bytes: int | None) -> None:
    """Refuse a training that cannot fit, before anything of it is allocated.

    Args:
        memory: What it takes, known from shapes.
        mini_batch_size: Of the job; None for a model that has none.
        examples: How many there are to learn from.
        max_bytes: How many bytes it may take; None sets no limit.

    Raises:
        EngineError: It takes more; the text has the figures.
    """
    if max_bytes is None or mini_batch_size is None:
        return
    if excess := memory.excess(min(mini_batch_size, examples), max_bytes):
        raise EngineError(Reason.OUT_OF_MEMORY, f"{excess[0].upper()}{excess[1:]}.")


def limit_memory(limit: int | None) -> None:
    """Let this process allocate no more than `limit` bytes; None sets no limit. Linux only.

    RLIMIT_DATA counts what is written to. RLIMIT_AS would count what is mapped: JAX maps 1.4 GB to use 0.2.
    """
    if limit is not None and sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def held_bytes(pid: int) -> int | None:
    """The memory that a process holds; None when it is gone.

    On Linux without the files that it has mapped, as its dataset is; elsewhere with them.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        return None
    return resident_bytes(pid)


def resident_bytes(pid: int) -> int | None:
    """The resident memory of a process as ps(1) has it on every system; None when it is gone."""
    command = [_PS, "-o", "rss=", "-p", str(pid)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout  # noqa: S603 - a fixed command
    return int(output) * 1024 if output.strip() else None


class MemoryWatch:
    """Checks from the parent how much memory a child holds, where the kernel keeps no limit, as on macOS.

    Args:
        pid: The child.
        limit: What it may hold, in bytes; None sets no limit.
        every: The least number of seconds between two checks.
    """

    def __init__(self, pid: int, limit: int | None, *, every: float = 1) -> None:
        self._pid = pid
        self._limit = limit
        self._every = every
        self._looked = 0.0

    def exceeded(self) -> bool:
        """Whether the child holds more than it may."""
        now = time.monotonic()
        if self._limit is None or now - self._looked < self._every:
            return False
        self._looked = now
        held = held_bytes(self._pid)
        return held is not None and held > self._limit
