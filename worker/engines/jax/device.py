"""The device that JAX computes on: compiled programs, what the bits of a result depend on, and its errors."""

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


def environment() -> dict[str, str]:
    """Versions and device of this process; on a CPU also how many threads compute, and on what processor."""
    device = jax.devices()[0]
    facts = {"pippin": version("pippin"), "jaxlib": version("jaxlib"), "device": device.device_kind}
    if device.platform == "cpu":
        facts["threads"] = os.environ.get("NPROC") or str(cores())
        # Two of one model may still differ in what a hypervisor lets through.
        facts["processor"] = hashlib.sha256("\n".join(processor()).encode()).hexdigest()[:8]
    return facts


def notice_of(checkpoint: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """How the environment of a checkpoint differs from this one, in a sentence; None where it does not."""
    different = [
        f"{name} {checkpoint.get(name, 'unknown')} (here {value})"
        for name, value in here.items()
        if checkpoint.get(name) != value
    ]
    if not different:
        return None
    return f"The checkpoint was made with {', '.join(different)}: results may differ in bits from an unbroken training."


@contextmanager
def device_faults() -> Iterator[None]:
    """Turn errors of memory and device into an `EngineError`."""
    try:
        yield
    except MemoryError as error:
        raise _out_of_memory(str(error)) from error
    except jax.errors.JaxRuntimeError as error:
        message = str(error).split("\n", maxsplit=1)[0]
        # Only the status code distinguishes the errors.
        if message.startswith("RESOURCE_EXHAUSTED"):
            raise _out_of_memory(message) from error
        raise EngineError(Reason.ENGINE_ERROR, f"the device gave up: {message}") from error


def _out_of_memory(message: str) -> EngineError:
    return EngineError(
        Reason.OUT_OF_MEMORY,
        f"the training needs more memory than there is; a smaller mini-batch needs less ({message})",
    )
