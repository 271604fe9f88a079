"""Whether `pippin up` runs a Core ML worker beside the jax ones."""

import sys
from collections.abc import Callable

from pippin.local.keeper import Say
from pippin.system.extras import coreml_fault, import_fault, install_command


def has_coreml(say: Say, platform: str = sys.platform, fault_of: Callable[[str], str | None] = import_fault) -> bool:
    """Whether Core ML can train here; on a Mac where it cannot, `say` is told why and what to do.

    Args:
        say: Takes the sentence.
        platform: As `sys.platform`.
        fault_of: What keeps a library from being imported; None if nothing does.
    """
    if platform != "darwin":
        return False
    fault = coreml_fault(fault_of)
    if fault is not None:
        say(
            "pippin",
            f"no Core ML worker is started, since Core ML cannot be imported ({fault}). "
            f"Install it with: {install_command('worker', 'mac')}",
        )
    return fault is None
