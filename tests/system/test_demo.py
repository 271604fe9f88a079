"""`pippin demo`, as `make demo` calls it."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Up
from tests.support.environment import clean_environment
from tests.support.processes import pippin, stdout_of
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


def run_demo(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        pippin("demo"),
        cwd=folder,
        env=clean_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def processes_with(text: str) -> list[str]:
    listed = subprocess.run(["ps", "-Aww", "-o", "stat=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if text in line and not line.startswith("Z")]


@pytest.mark.timeout(300)
def test_demo_trains_an_accurate_model_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    done = run_demo(folder, TMPDIR=str(scratch))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.iterdir()] == ["mnist-cnn.mlmodel"]
    assert list(scratch.iterdir()) == []
    assert processes_with(str(scratch)) == []
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == [f"{number}/8" for number in range(1, 9)]
    assert str(folder / "mnist-cnn.mlmodel") in lines
    assert any("on the 2,000 digits that were held out" in line for line in lines)
    assert sum("curl " in line for line in lines) == 3


def test_demo_that_cannot_start_reports_the_reason(running_up: Up, tmp_path: Path) -> None:
    done = run_demo(tmp_path, PIPPIN_HOME=str(running_up.home))
    assert done.returncode == 4
    assert f"{running_up.home} is in use by the process" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGKILL])
def test_stopped_demo_leaves_no_process(tmp_path: Path, with_signal: signal.Signals) -> None:
    with subprocess.Popen(
        pippin("demo"),
        cwd=tmp_path,
        env=clean_environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as demo:
        assert b"Pippin runs at" in stdout_of(demo).readline()
        assert processes_with(str(tmp_path)) != []
        demo.send_signal(with_signal)
        demo.wait(30)
        wait_for(lambda: processes_with(str(tmp_path)) == [])
    assert demo.returncode == (130 if with_signal == signal.SIGINT else -signal.SIGKILL)
