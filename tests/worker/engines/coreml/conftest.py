"""The engine on the stand-in for Apple's frameworks, which only these tests may see."""

import importlib
import sys
from collections.abc import Iterator

import pytest

from tests.support.paths import APPLE
from worker.engines.engine import Engine

FOREIGN = ("CoreML", "Foundation", "objc", "Quartz", "apple_standin", "worker.engines.coreml")


# A cancelled task's thread may still run, with objects that only the engine's modules hold.
_FORGOTTEN: list[object] = []


def _forget() -> None:
    _FORGOTTEN.extend(sys.modules.pop(name) for name in list(sys.modules) if name.startswith(FOREIGN))


@pytest.fixture(scope="module")
def frameworks() -> Iterator[None]:
    """The frameworks can be imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(APPLE)
        _forget()
        yield
        _forget()


@pytest.fixture
def apple(frameworks: None, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:  # noqa: ARG001
    """The frameworks can be imported; what the environment tells them is set with this patch."""
    # What a program has registered stays for the whole process.
    importlib.import_module("apple_standin.metadata")._registered.clear()
    return monkeypatch


@pytest.fixture
def engine(apple: pytest.MonkeyPatch) -> Engine:  # noqa: ARG001
    """A new engine; the stand-in looks at its knobs only as it is used."""
    made: Engine = importlib.import_module("worker.engines.coreml.engine").CoreMLEngine()
    return made
