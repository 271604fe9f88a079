"""Several processes: equal bytes, a shared compilation cache and exhausted memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

# Whole processes take their time.
pytestmark = pytest.mark.full


def _job(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.worker.engines.jax.one_job", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def first(cache: Path) -> dict[str, Any]:
    """The result of the first job, with an empty cache."""
    return _job("--cache", str(cache))


def test_job_compiles_exactly_two_programs(first: dict[str, Any]) -> None:
    # One to train and one to validate: each operation outside of them would be a program of its own.
    assert (first["found"], first["compiled"]) == (0, 2)


def test_next_job_uses_cached_programs_and_gives_the_same_bytes(cache: Path, first: dict[str, Any]) -> None:
    second = _job("--cache", str(cache))
    assert (second["found"], second["compiled"]) == (2, 0)
    assert (second["digest"], second["losses"]) == (first["digest"], first["losses"])


def test_training_split_over_processes_gives_the_same_bytes(cache: Path, first: dict[str, Any], tmp_path: Path) -> None:
    # Seven steps and a validation an epoch: the first process ends within the first epoch, the second before the
    # validation of the second one.
    places = ("--cache", str(cache), "--checkpoint", str(tmp_path / "checkpoint"))
    parts = [_job(*places, "--patience", patience) for patience in ("4", "11")]
    parts.append(_job(*places))
    assert [len(part["losses"]) for part in parts] == [0, 1, 2]
    assert [loss for part in parts for loss in part["losses"]] == first["losses"]
    assert parts[-1]["digest"] == first["digest"]
    assert [part["notice"] for part in parts] == [None, None, None]


def test_damaged_cache_is_recompiled(cache: Path, first: dict[str, Any]) -> None:
    training, validation = sorted(cache.glob("*/*-cache"))
    training.write_bytes(training.read_bytes()[:1000])
    validation.write_bytes(b"nonsense")
    hurt = _job("--cache", str(cache))
    assert (hurt["digest"], hurt["compiled"]) == (first["digest"], 2)
    mended = _job("--cache", str(cache))
    assert (mended["digest"], mended["found"]) == (first["digest"], 2)


def test_cache_folder_is_private(cache: Path, first: dict[str, Any]) -> None:
    assert first["compiled"] == 2
    assert [folder.stat().st_mode & 0o777 for folder in cache.iterdir()] == [0o700]


@pytest.mark.skipif(sys.platform != "linux", reason="only there are workers forked")
def test_warm_up_starts_no_threads(first: dict[str, Any]) -> None:
    assert first["threads_started_by_warming_up"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA bounds nothing elsewhere")
def test_exhausted_memory_is_reported_as_out_of_memory() -> None:
    # 20,000 examples of 36 pixels in 400 channels take 1.2 GB.
    found = _job("--channels", "400", "--mini-batch", "20000", "--memory", str(2**30))
    assert found["reason"] == "out_of_memory"
    assert "a smaller mini-batch needs less" in found["detail"]
