"""What a worker refuses before it begins; each ends with a sentence and the exit code 2."""

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


def test_an_address_of_redis_is_needed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIPPIN_REDIS_URL", raising=False)
    assert main([]) == 2
    assert "set PIPPIN_REDIS_URL" in capsys.readouterr().err


def test_a_setting_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_WORKER_THREADS", "many")
    assert main([]) == 2
    assert "PIPPIN_WORKER_THREADS" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--engine", "abacus"], ["--name", "two words"], ["--start", "thread"]])
def test_arguments_that_cannot_be_used_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has Core ML")
def test_core_ml_is_refused_where_there_is_none_with_what_it_needs(tmp_path: Path) -> None:
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


def test_an_engine_that_nobody_knows_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownEngineError, match=r"no engine 'abacus'; there is jax"):
        make_engine("abacus", EngineOptions(None, tmp_path))


def test_what_it_complains_of_reaches_no_terminal_as_a_control_sequence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_\x1b]0;X", "1")
    assert main([]) == 2
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\\x1b]0;" in told
