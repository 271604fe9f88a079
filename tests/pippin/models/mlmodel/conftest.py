"""Files to build, look into and spoil."""

from collections.abc import Callable
from typing import Any

import pytest

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import Message, new_model, serialize
from pippin.models.spec import resolve


@pytest.fixture(scope="session")
def small_file(small_spec: Callable[..., dict[str, Any]]) -> Callable[..., bytes]:
    """Builds the small model, changed by the arguments."""

    def make(**changes: object) -> bytes:
        return build(resolve(small_spec(**changes)))

    return make


@pytest.fixture(scope="session")
def message_in() -> Callable[[bytes], Message]:
    """Parses a file as coremltools does, without any check of ours."""

    def parse(data: bytes) -> Message:
        model = new_model()
        model.ParseFromString(data)
        return model

    return parse


@pytest.fixture(scope="session")
def spoiled(
    small_file: Callable[..., bytes], message_in: Callable[[bytes], Message]
) -> Callable[[Callable[[Message], object]], bytes]:
    """The small model's file after something was done to its message."""

    def spoil(harm: Callable[[Message], object]) -> bytes:
        model = message_in(small_file())
        harm(model)
        return serialize(model)

    return spoil
