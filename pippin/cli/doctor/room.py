"""Room on the disk."""

import os
import shutil
from pathlib import Path

from pippin.cli.doctor.finding import Finding, fault, ok, warning

_GIB = 2**30
_LEAST = _GIB


def check_room(home: Path, cache_bytes: int, free: int | None = None) -> Finding:
    """Whether PIPPIN_HOME can be written to and has room for the copies that a worker keeps.

    Args:
        home: PIPPIN_HOME; need not exist yet.
        cache_bytes: How much these copies may fill.
        free: Bytes that are free there; None asks the disk.
    """
    there = next(each for each in (home, *home.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return fault("disk", f"{home} cannot be written to", "Set PIPPIN_HOME to a folder of your own.")
    left = shutil.disk_usage(there).free if free is None else free
    found = f"{left / _GIB:.1f} GiB free for {home}"
    if left < _LEAST:
        return fault("disk", found, "Free at least 1 GiB, or set PIPPIN_HOME to a folder on a larger disk.")
    if left < cache_bytes:
        advice = f"Copies may fill {cache_bytes / _GIB:.1f} GiB: free as much, or set PIPPIN_CACHE_BYTES lower."
        return warning("disk", found, advice)
    return ok("disk", found)
