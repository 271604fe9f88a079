"""Processes that cannot outlive this one."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable

from pippin.local.lines import Lines
from pippin.local.part import Part
from pippin.system.processes import dying_with_parent

_CHUNK = 65_536


class Process:
    """One run of a part, in a process group of its own: a Ctrl-C at the terminal reaches the supervisor only.

    Start it in the main thread: Linux sends the signal of a parent's death when the THREAD ends that forked.

    Args:
        part: What to run.
        each_line: Takes its output, stdout and stderr together.

    Attributes:
        pid: Its process id, which is also that of its group.
        lines: Its output.
        exited: Set when it has ended.
    """

    def __init__(self, part: Part, each_line: Callable[[str], None]) -> None:
        self.lines = Lines(each_line)
        self.exited = asyncio.Event()
        self._output, write_end = os.pipe()
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - the commands stand in our own table
                dying_with_parent(part.argv),
                env={**os.environ, **part.environment},
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        self.pid = self._popen.pid
        os.set_blocking(self._output, False)
        asyncio.get_running_loop().add_reader(self._output, self._read)

    @property
    def manner(self) -> str:
        """How it ended, in words."""
        return manner(self._popen.returncode)

    def terminate(self) -> None:
        """Asks it to end."""
        self._popen.terminate()

    def kill(self) -> None:
        """Ends it and whatever it has left in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def look(self) -> None:
        """Notices its end; to be called when a child has changed its state."""
        if self.exited.is_set() or self._popen.poll() is None:
            return
        self.kill()
        while self._read():
            pass
        self.lines.end()
        self._close()
        self.exited.set()

    def _read(self) -> bool:
        """Takes what output there is; whether more may be waiting."""
        if self._output < 0:
            return False
        try:
            chunk = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._close()
            return False
        self.lines.feed(chunk)
        return True

    def _close(self) -> None:
        if self._output >= 0:
            asyncio.get_running_loop().remove_reader(self._output)
            os.close(self._output)
            self._output = -1


def manner(code: int | None) -> str:
    """How a process ended, in words.

    Args:
        code: As `subprocess` gives it: minus the signal's number if a signal ended it.
    """
    if code is None:
        return "still running"
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
