"""What goes wrong on a device, said in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax

from pippin.api.states import Reason
from worker.engines.engine import EngineError


@contextmanager
def device_faults() -> Iterator[None]:
    """Turn errors of memory and device into an `EngineError`."""
    try:
        yield
    except MemoryError as error:
        raise _out_of_memory(str(error)) from error
    except jax.errors.JaxRuntimeError as error:
        said = str(error).split("\n", maxsplit=1)[0]
        # The status code is all that tells them apart.
        if said.startswith("RESOURCE_EXHAUSTED"):
            raise _out_of_memory(said) from error
        raise EngineError(Reason.ENGINE_ERROR, f"the device gave up: {said}") from error


def _out_of_memory(said: str) -> EngineError:
    return EngineError(
        Reason.OUT_OF_MEMORY, f"the training needs more memory than there is; a smaller mini-batch needs less ({said})"
    )
