"""The device on which JAX computes: compiled programs, the environment that determines bits, and device errors."""

import contextlib
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import jax

from pippin.api.states import Reason
from worker.engines.engine import EngineError
from worker.engines.jax.configure import cores, processor


def compiled(lowered: jax.stages.Lowered) -> jax.stages.Compiled:
    """Compile a program, or load it from the cache.

    An unreadable cache file (its writer was killed, the disk is damaged) is deleted and the program compiled again. JAX
    by itself neither uses nor replaces such a file, and compiles the program for every job.
    """
    try:
        return lowered.compile()
    except Exception:  # noqa: BLE001 - any error of the cache; an error of the program is raised again below
        _mend_cache()
        # From here on JAX ignores errors of its cache.
        jax.config.update("jax_raise_persistent_cache_errors", False)  # type: ignore[no-untyped-call] # JAX's own
        return lowered.compile()


def _mend_cache() -> None:
    """Delete the cache files that cannot be decompressed; each file ends with a checksum."""
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")  # set by `configure`
    for entry in Path(folder).glob("*-cache") if folder else ():
        with contextlib.suppress(OSError):
            try:
                zlib.decompress(entry.read_bytes())
            except zlib.error:
                entry.unlink()


def environment() -> dict[str, str]:
    """Versions and device of this process; on a CPU also the number of threads and a hash of the processor."""
    device = jax.devices()[0]
    facts = {"pippin": version("pippin"), "jaxlib": version("jaxlib"), "device": device.device_kind}
    if device.platform == "cpu":
        facts["threads"] = os.environ.get("NPROC") or str(cores())
        # Two processors of one model may differ in the instruction sets that a hypervisor exposes.
        facts["processor"] = hashlib.sha256("\n".join(processor()).encode()).hexdigest()[:8]
    return facts


def notice_of(checkpoint: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """A sentence on how a checkpoint's environment differs from the current one; None if it does not."""
    different = [
        f"{name} {checkpoint.get(name, 'unknown')} (here {value})"
        for name, value in here.items()
        if checkpoint.get(name) != value
    ]
    if not different:
        return None
    return (
        f"The checkpoint was made with {', '.join(different)}: results may differ in their last bits from an "
        "uninterrupted training."
    )


@contextmanager
def device_faults() -> Iterator[None]:
    """Convert memory and device errors to `EngineError`."""
    try:
        yield
    except MemoryError as error:
        raise _out_of_memory(str(error)) from error
    except jax.errors.JaxRuntimeError as error:
        message = str(error).split("\n", maxsplit=1)[0]
        # Only the status code distinguishes the errors.
        if message.startswith("RESOURCE_EXHAUSTED"):
            raise _out_of_memory(message) from error
        raise EngineError(Reason.ENGINE_ERROR, f"the device failed: {message}") from error


def _out_of_memory(message: str) -> EngineError:
    return EngineError(
        Reason.OUT_OF_MEMORY,
        f"the training needs more memory than there is; a smaller mini-batch needs less ({message})",
    )
