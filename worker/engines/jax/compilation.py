"""Compiles programs, or finds them in the cache on disk."""

import contextlib
import os
import zlib
from pathlib import Path

import jax


def compiled(lowered: jax.stages.Lowered) -> jax.stages.Compiled:
    """The compiled program.

    What cannot be read from the cache (its writer was killed half-way, a disk went bad) is taken out of it and compiled
    anew. JAX by itself would neither use nor replace such a file, and compile the program for every job.
    """
    try:
        return lowered.compile()
    except Exception:  # noqa: BLE001 - any fault of the cache; if the program itself is at fault, it shows again
        _mend_cache()
        # From now on JAX passes over its cache's faults.
        jax.config.update("jax_raise_persistent_cache_errors", False)  # type: ignore[no-untyped-call] # JAX's own
        return lowered.compile()


def _mend_cache() -> None:
    """Delete the files of the cache that do not decompress; each ends with a checksum."""
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")  # where `configure` has put it
    for entry in Path(folder).glob("*-cache") if folder else ():
        with contextlib.suppress(OSError):
            try:
                zlib.decompress(entry.read_bytes())
            except zlib.error:
                entry.unlink()
