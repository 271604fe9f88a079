"""The stand-in's modules, imported for one file of tests and then unloaded: no other may import Core ML on Linux."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.apple_tests import small
from tests.support.paths import APPLE, ROOT

_MODULES = ("CoreML", "Foundation", "objc", "Quartz", "apple_standin")


def _unload() -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in _MODULES:
            del sys.modules[name]


@pytest.fixture(scope="module")
def apple() -> Iterator[SimpleNamespace]:
    """The four modules, and those behind them by `inside`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(APPLE)
        _unload()
        modules = {name: importlib.import_module(name) for name in _MODULES[:4]}
        yield SimpleNamespace(**modules, inside=lambda name: importlib.import_module(f"apple_standin.{name}"))
        _unload()


@pytest.fixture(scope="module")
def shared(apple: SimpleNamespace) -> Iterator[ModuleType]:  # noqa: ARG001
    """`scripts.py`, over the modules of these tests."""
    yield importlib.import_module("tests.apple_tests.scripts")
    del sys.modules["tests.apple_tests.scripts"]


@pytest.fixture
def where(shared: Any, tmp_path: Path) -> Any:
    """The URL of the compiled `small.classifier()`."""
    return shared.compiled(small.classifier(), tmp_path)


@pytest.fixture
def model(apple: SimpleNamespace, where: Any) -> Any:
    """The `MLModel` of `small.classifier()`."""
    return apple.CoreML.MLModel.modelWithContentsOfURL_error_(where, None)[0]


@pytest.fixture
def run_script() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a script that begins with the helpers of `scripts.py`, in a separate process."""

    def run(script: str, *arguments: str, **knobs: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", f"from tests.apple_tests.scripts import *\n{script}", *arguments],
            env={"PYTHONPATH": f"{ROOT}:{APPLE}"} | {f"APPLE_STANDIN_{name}": value for name, value in knobs.items()},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
