"""What a program does that Apple's runtime would not forgive."""

import os
import signal
import sys
import traceback
from typing import NoReturn


class Fault(Exception):  # noqa: N818  # what the programmer did, not what went wrong in here
    """A use of the frameworks that would crash or corrupt on a Mac; shown where it was made."""


def crash(message: str, error: BaseException | None = None) -> NoReturn:
    """Ends the process as Apple's runtime does where no caller could catch it: on its own threads, or in BNNS."""
    if error is not None:
        traceback.print_exception(error)
    sys.stderr.write(f"Apple stand-in: the process would die here: {message}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGABRT)
    raise SystemExit(message)
