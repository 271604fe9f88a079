"""The nursery, as the service sees it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

# The rest of the environment stays here: addresses with passwords in them, and the keys of the blob store.
_ENVIRONMENT = (
    *("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE"),
    "PIPPIN_LOG_FORMAT",
    *("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
# Threads do not survive a fork, and the service needs the machine's other cores.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
# -P: a `service.py` in the current folder must not be taken for ours. The fault handler tells the log where a child
# crashed.
_COMMAND = (sys.executable, "-P", "-X", "faulthandler", "-m", "service.sandbox")


class Nursery:
    """A running nursery. It can be given tasks at once and begins them when it has imported what they need.

    It ends with the service, however that ends, since its control connection then does; PDEATHSIG would end it with the
    thread that started it.

    Args:
        tasks: Each name with the "module:function" it stands for.
        paths: More folders to find the modules in.

    Raises:
        OSError: It could not be started.

    Attributes:
        pid: Its process id, which is also that of its group, to which its children belong.
    """

    def __init__(self, tasks: Mapping[str, str], paths: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair()
        setup = json.dumps({"tasks": dict(tasks), "paths": list(paths)})
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    [*_COMMAND, str(theirs.fileno()), setup],
                    env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | _ONE_THREAD,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    process_group=0,
                )
            except OSError:
                self._control.close()
                raise
        self.pid = self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it has ended, which shows here before its children are told."""
        try:
            return not self._control.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def begin(self, connection: socket.socket) -> None:
        """Have it fork a child that serves `connection`, of which it gets a copy.

        Raises:
            ConnectionError: It has ended.
        """
        socket.send_fds(self._control, [b"\0"], [connection.fileno()])

    def end(self) -> None:
        """Kill it and its children. To be called once."""
        # It was not waited for yet, so the number is still its own.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._control.close()
