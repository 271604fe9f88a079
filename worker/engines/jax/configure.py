"""What must be settled before JAX is imported. This module itself imports no JAX."""

import hashlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from pippin.system.folders import make_private_folder
from worker.engines.jax.allocator import keep_freed_memory

# About 0.1 GB of programs.
_KEPT = 2000


def configure(threads: int | None = None, cache_dir: Path | None = None) -> None:
    """Fix what JAX reads from the environment as it loads, and how memory is kept; children of this process inherit it.

    Args:
        threads: How many threads compute on a CPU; None takes one a core. The bits of a result depend on it.
        cache_dir: Where compiled programs are kept from job to job; None keeps none. Who can write there can run code
            here, so it is made readable and writable for its owner alone.

    Raises:
        RuntimeError: JAX has been imported already and would not notice.
    """
    if "jax" in sys.modules:
        raise RuntimeError("configure() was called after JAX had been imported; call it before")
    keep_freed_memory()
    os.environ["NPROC"] = str(threads or cores())
    flags = os.environ.get("XLA_FLAGS", "").split()
    # A GPU may add in any order unless told otherwise; the same seed would give other bytes.
    flags = [*flags, "--xla_gpu_deterministic_ops=true"]
    os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys(flags))
    if cache_dir is not None:
        folder = cache_dir / _machine()
        make_private_folder(folder)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        # JAX keeps by default only what took a second to compile.
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        # So that `compilation.py` hears of a damaged file and takes it out.
        os.environ["JAX_RAISE_PERSISTENT_CACHE_ERRORS"] = "1"
        _forget_the_oldest(folder)


def _forget_the_oldest(folder: Path) -> None:
    written = sorted((entry.stat().st_mtime, entry) for entry in folder.glob("*-cache"))
    for _, entry in written[:-_KEPT]:
        entry.unlink(missing_ok=True)


def cores() -> int:
    """How many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> list[str]:
    """What is known of the processor: its kind and, on Linux, its model and the instructions that it has."""
    told = [platform.machine()]
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        told += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return told


def _machine() -> str:
    """A name for what compiled programs depend on, so that machines that share a home do not share them."""
    told = [version("jaxlib"), os.environ["NPROC"], *processor()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
