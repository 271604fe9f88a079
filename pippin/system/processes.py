"""Child processes that end with their parent, however the parent ends."""

import ctypes
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal that the kernel sends this process when its parent ends
# Loaded before any fork: loading takes locks that another thread may hold during a fork.
_libc = ctypes.CDLL(None, use_errno=True)

# Calls prctl, then replaces itself with the program. This is a separate process, since code between fork and exec is
# unsafe in a parent with threads.
_LAUNCHER = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(sys.argv[2]))
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that started this one is gone")
try:
    os.execvp(sys.argv[3], sys.argv[3:])
except OSError as error:
    sys.exit(f"{sys.argv[3]} cannot be started: {error.strerror}")
"""


def dying_with_parent(command: Sequence[str], ended_by: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line that runs `command` and ends it with this process. On Linux; elsewhere `command` continues.

    Linux sends the signal when the THREAD that started the process ends.

    Args:
        command: A program and its arguments.
        ended_by: The signal that the program receives when this process ends first.
    """
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(int(ended_by)), *command]


def die_with_parent(parent: int) -> None:
    """Make the kernel kill this process when its parent ends. Outside Linux, the process continues.

    Args:
        parent: The parent's process id. If the parent has ended already, this process exits at once.
    """
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have ended before prctl was called.
    if os.getppid() != parent:
        os._exit(1)


def fork_and_run(main: Callable[[], int]) -> int:
    """Fork a child that runs `main`, exits with the returned code, and ends with this process.

    An exception in `main` is printed by `sys.excepthook`, and the exit code is 1. Neither the caller's frames nor exit
    handlers run in the child.

    Returns:
        The child's process id.

    Raises:
        OSError: The system cannot start a process.
    """
    parent = os.getpid()
    with warnings.catch_warnings():
        # Python 3.12 warns when other threads exist. NumPy's are idle where this is used: the parent computes nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _run_and_exit(main, parent)
    return child


def _run_and_exit(main: Callable[[], int], parent: int) -> NoReturn:
    code = 1
    try:
        die_with_parent(parent)
        code = main()
    except BaseException:  # noqa: BLE001 - the caller's frames must never run in the child
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
