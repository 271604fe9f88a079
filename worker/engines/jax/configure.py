"""What must be settled before JAX is imported. This module itself imports no JAX."""

import ctypes
import hashlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from pippin.system.folders import make_private_folder

# About 0.1 GB of programs.
_KEPT = 2000


def configure(threads: int | None = None, cache_dir: Path | None = None) -> None:
    """Fix what JAX reads from the environment as it loads, and how memory is kept; children of this process inherit it.

    Args:
        threads: How many threads compute on a CPU; None takes one a core. The bits of a result depend on it.
        cache_dir: Where compiled programs are kept from job to job; None keeps none. A process that can write there
            can run code here, so only the owner may read and write it.

    Raises:
        RuntimeError: JAX has been imported already and would not notice.
    """
    if "jax" in sys.modules:
        raise RuntimeError("configure() was called after JAX had been imported; call it before")
    keep_freed_memory()
    os.environ["NPROC"] = str(threads or cores())
    flags = os.environ.get("XLA_FLAGS", "").split()
    # A GPU may add in any order unless this flag is set; the same seed would give other bytes.
    flags = [*flags, "--xla_gpu_deterministic_ops=true"]
    os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys(flags))
    if cache_dir is not None:
        folder = cache_dir / _machine()
        make_private_folder(folder)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        # JAX keeps by default only what took a second to compile.
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        # So that `compiled` in `device.py` receives the error of a damaged file and deletes the file.
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
    facts = [platform.machine()]
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        facts += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return facts


def _machine() -> str:
    """A name for what compiled programs depend on, so that machines that share a home do not share them."""
    facts = [version("jaxlib"), os.environ["NPROC"], *processor()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


# Parameters of mallopt(3), from <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 2**30


def keep_freed_memory() -> None:
    """Have glibc keep the memory that is freed, for the next allocation; elsewhere nothing happens.

    Each call of a compiled program takes room for what lies between its layers and frees it at the end. Glibc gave
    that back to the system every time, and 100 MB of it cost 26,000 page faults a call: 0.06 s of a call of 0.15 s.
    It takes one arena too, since that of a thread holds 64 MB at most.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        for parameter, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
            mallopt(parameter, value)
