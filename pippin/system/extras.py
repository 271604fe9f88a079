"""The optional dependencies (extras): the command that installs them, and whether their libraries can be imported."""

import subprocess
import sys
from collections.abc import Callable


def install_command(*extras: str) -> str:
    """The command that installs extras from Pippin's source folder: Pippin is not on a package index."""
    return f"pip install -e '.[{','.join(extras)}]' in the folder of Pippin's source"


_SECONDS = 60
# The PyObjC frameworks that the engine imports; Foundation comes with any of them.
_COREML_MODULES = ("CoreML", "Quartz")


def import_fault(module: str, python: str = sys.executable) -> str | None:
    """The error when a fresh interpreter imports `module`, such as `No module named 'jax'`; None without an error.

    The import runs in another process, since a library may end or change the process that imports it: Objective-C does
    not survive a fork, JAX reads its environment once.

    Args:
        module: Name of the module, for example `package.module`.
        python: Path of the interpreter.
    """
    try:
        # -P: do not import a file of that name from the current folder.
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [python, "-P", "-c", f"import {module}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"importing {module} took more than {_SECONDS} s"
    if done.returncode == 0:
        return None
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return last.partition("Error: ")[2] or last or f"importing {module} ended the interpreter ({done.returncode})"


def coreml_fault(fault_of: Callable[[str], str | None] = import_fault) -> str | None:
    """Why Core ML cannot train on this Mac; None if it can.

    Args:
        fault_of: Returns why a library cannot be imported; None if it can.
    """
    return next((why for module in _COREML_MODULES if (why := fault_of(module))), None)
