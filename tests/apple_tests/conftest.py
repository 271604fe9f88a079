"""The stand-in's modules, imported for one test and unloaded after it: no other test may import Core ML on Linux."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace

import pytest

from tests.support.paths import ROOT

STANDIN = ROOT / "tests" / "apple"
_MODULES = ("CoreML", "Foundation", "objc", "Quartz", "apple_standin")


def _unload() -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in _MODULES:
            del sys.modules[name]


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The four modules, and those behind them by `inside`."""
    monkeypatch.syspath_prepend(STANDIN)
    _unload()
    modules = {name: importlib.import_module(name) for name in _MODULES[:4]}
    yield SimpleNamespace(**modules, inside=lambda name: importlib.import_module(f"apple_standin.{name}"))
    _unload()


@pytest.fixture
def shared(apple: SimpleNamespace) -> Iterator[ModuleType]:
    """`scripts.py`, over the modules of this test."""
    assert apple is not None
    yield importlib.import_module("tests.apple_tests.scripts")
    del sys.modules["tests.apple_tests.scripts"]


@pytest.fixture
def run_script() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a script that begins with the helpers of `scripts.py`, in a separate process."""

    def run(script: str, *arguments: str, **knobs: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", f"from tests.apple_tests.scripts import *\n{script}", *arguments],
            env={"PYTHONPATH": f"{ROOT}:{STANDIN}"} | {f"APPLE_STANDIN_{name}": value for name, value in knobs.items()},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
