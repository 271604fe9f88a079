"""Starts and ends the fork server of the sandbox, and passes connections to it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

# All other variables are withheld: they hold addresses with passwords and the keys of the blob store.
_ENVIRONMENT = (
    *("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE"),
    "PIPPIN_LOG_FORMAT",
    *("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
# Threads do not survive a fork, and the other cores are left to the service.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
# -P: a `service.py` in the current folder must not be imported. The fault handler logs where a child crashed.
_COMMAND = (sys.executable, "-P", "-X", "faulthandler", "-m", "service.sandbox")


class ForkServer:
    """A running fork server. It accepts tasks at once and starts them when its imports are done.

    It ends with the service in any case, because its control connection is closed then. PDEATHSIG would end it with the
    thread that started it.

    Args:
        tasks: Each name with the "module:function" it stands for.
        paths: More folders to find the modules in.

    Raises:
        OSError: It could not be started.

    Attributes:
        pid: Its process id, and the id of the process group to which its children belong.
    """

    def __init__(self, tasks: Mapping[str, str], paths: Sequence[str]) -> None:
        self._control, child_end = socket.socketpair()
        setup = json.dumps({"tasks": dict(tasks), "paths": list(paths)})
        with child_end:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    [*_COMMAND, str(child_end.fileno()), setup],
                    env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | _ONE_THREAD,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[child_end.fileno()],
                    process_group=0,
                )
            except OSError:
                self._control.close()
                raise
        self.pid = self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended. The control connection shows this before its children notice."""
        try:
            return not self._control.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def begin(self, connection: socket.socket) -> None:
        """Have it fork a child that serves a copy of `connection`.

        Raises:
            ConnectionError: It has ended.
        """
        socket.send_fds(self._control, [b"\0"], [connection.fileno()])

    def end(self) -> None:
        """Kill it and its children. Call this once."""
        # Nothing has waited for the process yet, so its id cannot have been reused.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._control.close()
