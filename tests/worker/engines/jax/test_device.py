import jax
import pytest

from pippin.api.states import Reason
from worker.engines.engine import EngineError
from worker.engines.jax.device import device_faults


@pytest.mark.parametrize(
    ("error", "reason", "sentence"),
    [
        (jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 GB\nand more"), Reason.OUT_OF_MEMORY, r"\(.*9 GB\)$"),
        (MemoryError("no room for 9 GB"), Reason.OUT_OF_MEMORY, "no room for 9 GB"),
        (jax.errors.JaxRuntimeError("INTERNAL: lost\nand more"), Reason.ENGINE_ERROR, "failed: INTERNAL: lost$"),
    ],
)
def test_device_error_becomes_an_engine_error_with_a_reason(error: Exception, reason: Reason, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence) as failure, device_faults():
        raise error
    assert failure.value.reason is reason


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), device_faults():
        raise ZeroDivisionError
