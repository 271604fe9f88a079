from collections.abc import Iterator

import jax
import pytest

from tests.support.compiled_programs import shared_programs

__all__ = ["shared_programs"]


@pytest.fixture
def float64() -> Iterator[None]:
    """JAX computes in float64 during the test."""
    with jax.enable_x64(True):
        yield
