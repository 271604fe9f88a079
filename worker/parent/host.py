"""The worker's host: kept awake during an attempt, and given a pause after attempts that crashed at once."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from pippin.system.retry import Backoff, wait_until

_log = structlog.get_logger(__name__)

CAFFEINATE = Path("/usr/bin/caffeinate") if sys.platform == "darwin" else None


class SleepInhibitor:
    """Holds off idle sleep, one process at a time.

    Args:
        program: caffeinate(8), or None on a system that does not need it.
    """

    def __init__(self, program: Path | None = CAFFEINATE) -> None:
        self._program = program
        self._warned = False

    @contextmanager
    def during(self, pid: int) -> Iterator[None]:
        """Keep the machine awake for the block, or until the process `pid` ends if this process is killed before.

        Without the program the block runs all the same; one log line says so.
        """
        holder = self._hold(pid)
        try:
            yield
        finally:
            if holder is not None:
                holder.terminate()
                holder.wait()

    def _hold(self, pid: int) -> "subprocess.Popen[bytes] | None":
        if self._program is None:
            return None
        try:
            return subprocess.Popen(  # noqa: S603 - a fixed command and a number
                [self._program, "-i", "-w", str(pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            if not self._warned:
                self._warned = True
                _log.warning(
                    "this Mac may fall asleep during a job; switch sleep off with: sudo pmset -a sleep 0",
                    program=str(self._program),
                    error=error.strerror,
                )
            return None


# An attempt that lasted longer shows that the machine can train.
_AT_ONCE_SECONDS = 5.0
MAX_PAUSE = 30.0
_WAIT_SECONDS = 0.25


class CrashBackoff:
    """Keeps a machine that crashes every training, because its disk is full for example, from using up all attempts.

    The first loss costs nothing: the reason may be the job's. From the second in a row on the worker pauses for a
    second, then for twice as long each time, so that another worker, if there is one, takes the jobs meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without a loss.

        Args:
            clock: Returns the seconds since some moment.
        """
        self._clock = clock
        self._began = clock()
        self._backoff = Backoff(1, MAX_PAUSE, jitter=0)
        self._lost_before = False

    def begin(self) -> None:
        """An attempt begins."""
        self._began = self._clock()

    def end(self, *, lost: bool) -> float:
        """Count the attempt that has ended; return how many seconds to pause.

        Args:
            lost: Whether it ended for a reason that does not lie in its job.
        """
        if not lost or self._clock() - self._began >= _AT_ONCE_SECONDS:
            self._backoff.reset()
            self._lost_before = False
            return 0
        if not self._lost_before:
            self._lost_before = True
            return 0
        return self._backoff.pause()

    def pause(self, seconds: float, stopping: Callable[[], bool]) -> None:
        """Wait for so long, unless the worker is to stop."""
        if not seconds:
            return
        losses = self._backoff.failures + 1
        _log.warning("resting: attempts were lost here as soon as they began", losses=losses, seconds=seconds)
        wait_until(stopping, seconds, interval=_WAIT_SECONDS)
