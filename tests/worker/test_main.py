"""Errors at the start of a worker; each prints one sentence and ends with exit code 2."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.__main__ import main
from worker.engines import EngineOptions, UnknownEngineError, make_engine


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "set PIPPIN_REDIS_URL"),
        ({"PIPPIN_WORKER_THREADS": "many"}, "PIPPIN_WORKER_THREADS"),
        ({"PIPPIN_\x1b]0;X": "1"}, "\\x1b]0;"),
    ],
    ids=["missing Redis URL", "invalid value", "control sequence, escaped"],
)
def test_invalid_settings_are_refused_and_named(
    variables: dict[str, str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIPPIN_REDIS_URL", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("arguments", [["--engine", "abacus"], ["--name", "two words"], ["--start", "thread"]])
def test_invalid_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has Core ML")
def test_core_ml_off_macos_is_refused_with_its_requirements(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pippin", "worker", "--engine", "coreml"],
        env={**os.environ, "PIPPIN_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0", "PIPPIN_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("pippin worker: the engine coreml cannot run here: No module named ")
    assert "it needs macOS" in sentence
    assert "pip install -e '.[worker,mac]'" in sentence
    assert "s3cret" not in sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("abacus", r"no engine 'abacus'; the engines are jax"),
        ("coreml", r"the engine coreml cannot run here: .*macOS.*'\.\[worker,mac\]'"),
    ],
)
def test_unusable_engine_is_refused_with_a_remedy(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownEngineError, match=sentence):
        make_engine(name, EngineOptions(None, tmp_path))
