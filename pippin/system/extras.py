"""The optional dependencies (extras): how they are installed, and whether their libraries can be imported."""

import subprocess
import sys
from collections.abc import Callable


def install_command(*extras: str) -> str:
    """What to run where Pippin was installed from: it is on no package index."""
    return f"pip install -e '.[{','.join(extras)}]' in the folder of Pippin's source"


_SECONDS = 60
# What the engine imports of PyObjC's frameworks; Foundation comes with any of them.
_COREML_MODULES = ("CoreML", "Quartz")


def import_fault(module: str, python: str = sys.executable) -> str | None:
    """What a fresh interpreter says when it imports `module`, such as `No module named 'jax'`; None if it succeeds.

    A library may end or bend the process that imports it: Objective-C does not survive a fork, JAX reads its
    environment once. So it is not this process that tries.

    Args:
        module: Its name, of the kind `package.module`.
        python: The interpreter.
    """
    try:
        # -P: a file of that name in the current folder is not meant.
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
    """What keeps Core ML from training on this Mac; None if nothing does.

    Args:
        fault_of: What keeps a library from being imported; None if nothing does.
    """
    return next((why for module in _COREML_MODULES if (why := fault_of(module))), None)
