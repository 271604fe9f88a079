"""Keeps a Mac from falling asleep while an attempt is made: macOS would suspend the training with everything else."""

import subprocess
import sys
from collections.abc import Iterator
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
