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


def test_missing_redis_url_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIPPIN_REDIS_URL", raising=False)
    assert main([]) == 2
    assert "set PIPPIN_REDIS_URL" in capsys.readouterr().err


def test_invalid_setting_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_WORKER_THREADS", "many")
    assert main([]) == 2
    assert "PIPPIN_WORKER_THREADS" in capsys.readouterr().err


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


def test_unknown_engine_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownEngineError, match=r"no engine 'abacus'; the engines are jax"):
        make_engine("abacus", EngineOptions(None, tmp_path))


def test_control_sequences_in_error_messages_are_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_\x1b]0;X", "1")
    assert main([]) == 2
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\\x1b]0;" in printed
