"""Memory limits of a training: estimated from shapes before the training, enforced by the kernel or by the parent."""

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
    """Refuse a training that cannot fit into memory, before anything is allocated.

    Args:
        memory: The memory that the training takes, estimated from shapes.
        mini_batch_size: The job's; None for a model without mini-batches.
        examples: Number of training examples.
        max_bytes: The limit; None sets no limit.

    Raises:
        EngineError: The training exceeds the limit; the message has the figures.
    """
    if max_bytes is None or mini_batch_size is None:
        return
    if excess := memory.excess(min(mini_batch_size, examples), max_bytes):
        raise EngineError(Reason.OUT_OF_MEMORY, f"{excess[0].upper()}{excess[1:]}.")


def limit_memory(limit: int | None) -> None:
    """Let this process allocate no more than `limit` bytes; None sets no limit. Linux only.

    RLIMIT_DATA counts written memory. RLIMIT_AS would count mapped memory: JAX maps 1.4 GB and uses 0.2 GB.
    """
    if limit is not None and sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def held_bytes(pid: int) -> int | None:
    """The memory that a process holds, in bytes; None when the process is gone.

    On Linux mapped files, such as the dataset, are not counted; on other systems they are.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        return None
    return resident_bytes(pid)


def resident_bytes(pid: int) -> int | None:
    """The resident memory of a process in bytes, as ps(1) reports it on every system; None when the process is gone."""
    command = [_PS, "-o", "rss=", "-p", str(pid)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout  # noqa: S603 - a fixed command
    return int(output) * 1024 if output.strip() else None


class MemoryWatch:
    """Checks from the parent how much memory a child holds, where the kernel enforces no limit, as on macOS.

    Args:
        pid: The child's process id.
        limit: Maximum in bytes; None sets no limit.
        every: Minimum number of seconds between two checks.
    """

    def __init__(self, pid: int, limit: int | None, *, every: float = 1) -> None:
        self._pid = pid
        self._limit = limit
        self._every = every
        self._checked_at = 0.0

    def exceeded(self) -> bool:
        """Whether the child holds more memory than the limit."""
        now = time.monotonic()
        if self._limit is None or now - self._checked_at < self._every:
            return False
        self._checked_at = now
        held = held_bytes(self._pid)
        return held is not None and held > self._limit
