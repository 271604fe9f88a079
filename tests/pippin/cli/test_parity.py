"""`pippin parity` in a separate process, since the command replaces its process by the worker's kit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import clean_environment
from tests.support.processes import pippin

# Each command imports JAX.
pytestmark = pytest.mark.full


def _parity(home: Path, *arguments: str, threads: str = "1") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        pippin("parity", *arguments),
        env=clean_environment(PIPPIN_HOME=str(home), PIPPIN_WORKER_THREADS=threads),
        capture_output=True,
        text=True,
        check=False,
    )


def test_parity_of_the_engine_jax_runs_anywhere(tmp_path: Path) -> None:
    done = _parity(tmp_path, "--engine", "jax")
    assert done.returncode == 0, done.stderr
    assert "v = m v + lr g; w = w - v (Pippin's choice)" in done.stdout
    verdicts = [line for line in done.stdout.splitlines() if ": as Pippin has chosen: " in line]
    assert len(verdicts) == 12
    assert "NOT as Pippin" not in done.stdout


def test_parity_of_one_case_as_json(tmp_path: Path) -> None:
    done = _parity(tmp_path, "--engine", "jax", "--case", "momentum", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["engine"] == "jax"
    (case,) = report["cases"]
    assert case["case"] == "momentum"
    assert case["as_chosen"]
    assert len(case["candidates"]) == 4


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML may be there")
def test_parity_without_core_ml_suggests_the_engine_jax(tmp_path: Path) -> None:
    done = _parity(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "coreml" in done.stderr
    assert "`pippin parity --engine jax`" in done.stderr


@pytest.mark.parametrize("arguments", [["--engine", "abacus"], ["--case", "nothing"]])
def test_unknown_engine_or_case_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    done = _parity(tmp_path, *arguments)
    assert done.returncode == 2
    assert arguments[1] in done.stderr


def test_invalid_setting_is_named(tmp_path: Path) -> None:
    done = _parity(tmp_path, "--engine", "jax", threads="many")
    assert done.returncode == 2
    assert "PIPPIN_WORKER_THREADS" in done.stderr
