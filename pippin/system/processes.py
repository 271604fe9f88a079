"""Processes that never become orphans: they end with the process that started them, however that ends."""

import os
import signal
import sys
from collections.abc import Sequence

# Becomes the program, once the kernel has been told (PR_SET_PDEATHSIG is 1) what to send it when its parent ends. A
# process of its own does that, since code between fork and exec is unsafe in a parent with threads.
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


def bound(command: Sequence[str], ended_by: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line that runs `command` for as long as this process lives. On Linux; elsewhere it just runs it.

    Linux sends the signal when the THREAD ends that started the process.

    Args:
        command: A program and its arguments.
        ended_by: What it is sent when this process ends first.
    """
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(int(ended_by)), *command]
