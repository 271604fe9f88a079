"""The worker's host: keeps the machine awake during an attempt, and pauses after attempts that crashed at once."""

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
    """Prevents idle sleep while a process runs, for one process at a time.

    Args:
        program: caffeinate(8), or None on a system that does not need it.
    """

    def __init__(self, program: Path | None = CAFFEINATE) -> None:
        self._program = program
        self._warned = False

    @contextmanager
    def during(self, pid: int) -> Iterator[None]:
        """Keep the machine awake during the block, or until the process `pid` ends if this process is killed.

        If the program cannot be started, the block runs without it, and the first failure is logged.
        """
        inhibitor = self._start(pid)
        try:
            yield
        finally:
            if inhibitor is not None:
                inhibitor.terminate()
                inhibitor.wait()

    def _start(self, pid: int) -> "subprocess.Popen[bytes] | None":
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
                    "this Mac may fall asleep during a job; disable sleep with: sudo pmset -a sleep 0",
                    program=str(self._program),
                    error=error.strerror,
                )
            return None


# An attempt that lasts longer shows that the machine can train.
_EARLY_CRASH_SECONDS = 5.0
MAX_PAUSE = 30.0
_WAIT_SECONDS = 0.25


class CrashBackoff:
    """Prevents a machine that crashes every training, for example because of a full disk, from using up all attempts.

    The first loss causes no pause: the job may be the cause. From the second consecutive loss on the worker pauses,
    first for 1 s, then for twice as long each time, so that another worker can take the jobs.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without a recorded loss.

        Args:
            clock: A monotonic clock in seconds.
        """
        self._clock = clock
        self._began = clock()
        self._backoff = Backoff(1, MAX_PAUSE, jitter=0)
        self._lost_before = False

    def begin(self) -> None:
        """Record the start of an attempt."""
        self._began = self._clock()

    def end(self, *, lost: bool) -> float:
        """Record the end of an attempt; return how many seconds to pause.

        Args:
            lost: Whether the attempt ended for a reason outside of its job.
        """
        if not lost or self._clock() - self._began >= _EARLY_CRASH_SECONDS:
            self._backoff.reset()
            self._lost_before = False
            return 0
        if not self._lost_before:
            self._lost_before = True
            return 0
        return self._backoff.pause()

    def pause(self, seconds: float, stopping: Callable[[], bool]) -> None:
        """Wait `seconds`, or until the worker is to stop."""
        if not seconds:
            return
        losses = self._backoff.failures + 1
        _log.warning(
            "pausing: consecutive attempts of this worker were lost at their start", losses=losses, seconds=seconds
        )
        wait_until(stopping, seconds, interval=_WAIT_SECONDS)
