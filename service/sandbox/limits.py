"""What a child of the nursery takes from itself before it looks at anything hostile."""

import ctypes
import fcntl
import math
import os
import resource
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_NICENESS = 5
# Loaded before any fork, once for all children.
_libc = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends (Linux, prctl(2)).

    Elsewhere it lives on until its time is up.
    """
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the kernel was asked.
    if os.getppid() != parent:
        os._exit(1)


def die_without(connection: socket.socket) -> None:
    """Have the kernel end this process, whatever it is doing, when the other end of `connection` is closed.

    Nothing else may arrive there: any byte would do the same. `live_without` ends this. Linux only: BSD's sockets also
    signal what the other end has read. Elsewhere it lives on until its time is up.
    """
    if sys.platform != "linux":
        return
    # SIGIO ends a process that does not handle it (fcntl(2), F_SETOWN).
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    # It may have been closed before the kernel was asked.
    if select.select([connection], [], [], 0)[0]:
        os._exit(1)


def live_without(connection: socket.socket) -> None:
    """Undo `die_without`."""
    if sys.platform == "linux":
        fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) & ~os.O_ASYNC)


def limit(seconds: float, memory_bytes: int | None, open_files: int) -> None:
    """Bound what this process may use from now on.

    Args:
        seconds: After so much time the kernel ends it, whatever it is doing.
        memory_bytes: What it may allocate beyond what it has now; None sets no limit. Linux only.
        open_files: How many files it may have open.
    """
    os.nice(_NICENESS)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, open_files)
    # Stands in for the alarm, should the process put that off.
    _lower(resource.RLIMIT_CPU, math.ceil(seconds) + 1)
    if sys.platform == "linux":
        if memory_bytes is not None:
            # RLIMIT_AS would count what is mapped and never written to. Both count what came with the fork.
            _lower(resource.RLIMIT_DATA, _data_bytes() + memory_bytes)
        # When the machine runs out of memory, this process is to go before the service and Redis.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    # 0 would set no alarm.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))


def peak_bytes() -> int:
    """The most memory that this process has held, what came with the fork included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes, but on macOS bytes (getrusage(2)).
    return peak if sys.platform == "darwin" else peak * 1024


def _lower(which: int, most: int) -> None:
    """Set a limit, or leave one that is lower already."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(which, (most, most))


def _data_bytes() -> int:
    """What RLIMIT_DATA counts of this process at this moment (proc_pid_status(5))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
