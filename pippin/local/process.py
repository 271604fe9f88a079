"""One run of a part: a child process that ends with this process, and its output line by line."""

import asyncio
import codecs
import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable

from pippin.local.parts import Part
from pippin.system.processes import dying_with_parent

_CHUNK = 65_536
# A longer line is split, so that a process that prints no line end cannot fill the memory.
_MAX_LINE = 20_000


class Lines:
    """Splits the output of one process into lines as it arrives.

    Args:
        each: Called with each line.

    Attributes:
        last: The last lines, oldest first.
    """

    def __init__(self, each: Callable[[str], None]) -> None:
        self.last: deque[str] = deque(maxlen=20)
        self._each = each
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        """Add the next bytes of the output."""
        *lines, self._rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        for line in lines:
            self._line(line.removesuffix("\r"))
        if len(self._rest) > _MAX_LINE:
            self.end()

    def end(self) -> None:
        """Report the last line, which has no line end."""
        if self._rest:
            self._line(self._rest)
        self._rest = ""

    def _line(self, line: str) -> None:
        self.last.append(line)
        self._each(line)


class Process:
    """One run of a part, in a process group of its own: Ctrl-C at the terminal signals only the supervisor.

    Create it in the main thread: Linux sends the parent-death signal when the THREAD that forked ends.

    Args:
        part: What to run.
        each_line: Called with each line of the process's output, stdout and stderr together.

    Attributes:
        pid: The process id, which is also the id of the process group.
        lines: The output.
        exited: Set when the process has ended.
    """

    def __init__(self, part: Part, each_line: Callable[[str], None]) -> None:
        self.lines = Lines(each_line)
        self.exited = asyncio.Event()
        self._output, write_end = os.pipe()
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - the commands are from our own table
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
    def exit_text(self) -> str:
        """How the process ended, as text."""
        return exit_text(self._popen.returncode)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._popen.terminate()

    def kill(self) -> None:
        """Send SIGKILL to the process and to all other processes of its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def poll(self) -> None:
        """Set `exited` if the process has ended; call this on SIGCHLD."""
        if self.exited.is_set() or self._popen.poll() is None:
            return
        self.kill()
        while self._read():
            pass
        self.lines.end()
        self._close()
        self.exited.set()

    def _read(self) -> bool:
        """Read the available output; return whether more may be available."""
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


def exit_text(code: int | None) -> str:
    """How a process ended, as text.

    Args:
        code: The return code of `subprocess`: minus the signal's number if a signal ended it.
    """
    if code is None:
        return "still running"
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
