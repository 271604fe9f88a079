"""Configures the process before JAX is imported. This module does not import JAX."""

import ctypes
import hashlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from pippin.system.folders import make_private_folder

# Maximum number of cached programs: about 0.1 GB.
_MAX_PROGRAMS = 2000


def configure(threads: int | None = None, cache_dir: Path | None = None) -> None:
    """Set the environment that JAX reads at import, and glibc's memory options; child processes inherit both.

    Args:
        threads: Number of compute threads on a CPU; None takes one per core. The bits of a result depend on the number.
        cache_dir: Folder of compiled programs that later jobs reuse; None caches none. A process that can write to the
            folder can run code in this process, so that only the owner has access.

    Raises:
        RuntimeError: JAX is imported already and would ignore the environment.
    """
    if "jax" in sys.modules:
        raise RuntimeError("configure() was called after JAX had been imported; call it before")
    keep_freed_memory()
    os.environ["NPROC"] = str(threads or cores())
    flags = os.environ.get("XLA_FLAGS", "").split()
    # Without this flag a GPU adds in any order, and the same seed gives different bytes.
    flags = [*flags, "--xla_gpu_deterministic_ops=true"]
    os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys(flags))
    if cache_dir is not None:
        folder = cache_dir / _machine()
        make_private_folder(folder)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        # By default JAX caches only programs that took a second to compile.
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        # `compiled` in `device.py` needs the error of a damaged file to delete the file.
        os.environ["JAX_RAISE_PERSISTENT_CACHE_ERRORS"] = "1"
        _evict_oldest(folder)


def _evict_oldest(folder: Path) -> None:
    written = sorted((entry.stat().st_mtime, entry) for entry in folder.glob("*-cache"))
    for _, entry in written[:-_MAX_PROGRAMS]:
        entry.unlink(missing_ok=True)


def cores() -> int:
    """Number of cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> list[str]:
    """The processor's architecture and, on Linux, its model and instruction sets."""
    facts = [platform.machine()]
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        facts += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return facts


def _machine() -> str:
    """A hash of the facts on which compiled programs depend, so that machines with a shared home keep their own."""
    facts = [version("jaxlib"), os.environ["NPROC"], *processor()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


# Parameters of mallopt(3), from <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 2**30


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for the next allocation; on other systems do nothing.

    Each call of a compiled program allocates memory for the values between its layers and frees it at the end. Glibc
    returned the memory to the system every time, and 100 MB cost 26,000 page faults per call: 0.06 s of a call of
    0.15 s. Glibc is also limited to one arena, since a thread's arena holds 64 MB at most.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        for parameter, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
            mallopt(parameter, value)
