"""The worker's host: kept awake during an attempt, and given a pause after attempts that crashed at once."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)

CAFFEINATE = Path("/usr/bin/caffeinate") if sys.platform == "darwin" else None


class Awake:
    """Holds off idle sleep, one process at a time.

    Args:
        program: caffeinate(8), or None where the system has no need of it.
    """

    def __init__(self, program: Path | None = CAFFEINATE) -> None:
        self._program = program
        self._told = False

    @contextmanager
    def during(self, pid: int) -> Iterator[None]:
        """The machine stays awake for the block, or until the process `pid` ends should this one be killed before.

        Without the program the block runs all the same; the log says so once.
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
            if not self._told:
                self._told = True
                _log.warning(
                    "this Mac may fall asleep during a job; switch sleep off with: sudo pmset -a sleep 0",
                    program=str(self._program),
                    error=error.strerror,
                )
            return None


# An attempt that lasted longer says that the machine can train.
_AT_ONCE_SECONDS = 5.0
LONGEST_REST = 30.0
_WAIT_SECONDS = 0.25


class Recovery:
    """Keeps a machine whose disk is full, say, from using up the attempts of every job that waits.

    The first loss costs nothing: the reason may be the job's. From the second in a row on the worker rests for a
    second, then for twice as long each time, so that another takes the jobs meanwhile, if there is one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Make one that has seen nothing.

        Args:
            clock: Tells the seconds since some moment.
        """
        self._clock = clock
        self._began = clock()
        self._in_a_row = 0

    def begin(self) -> None:
        """An attempt begins."""
        self._began = self._clock()

    def end(self, *, lost: bool) -> float:
        """The attempt has ended; how many seconds to rest.

        Args:
            lost: Whether it ended for no reason that lies in its job.
        """
        self._in_a_row = self._in_a_row + 1 if lost and self._clock() - self._began < _AT_ONCE_SECONDS else 0
        return min(2.0 ** (self._in_a_row - 2), LONGEST_REST) if self._in_a_row > 1 else 0

    def rest(self, seconds: float, stopping: Callable[[], bool]) -> None:
        """Wait for so long, unless the worker is to stop."""
        if not seconds:
            return
        _log.warning("resting: attempts were lost here as soon as they began", losses=self._in_a_row, seconds=seconds)
        until = self._clock() + seconds
        while self._clock() < until and not stopping():
            time.sleep(_WAIT_SECONDS)
