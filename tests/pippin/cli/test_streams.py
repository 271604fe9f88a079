"""Standard output that is a broken pipe, closed or full: one exit code and at most one sentence."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pippin.client import Client

_PIPPIN = f"{shlex.quote(sys.executable)} -P -m pippin"


@pytest.fixture(scope="module")
def job(running_up: SimpleNamespace) -> str:
    """A job with enough epochs to fill a pipe several times."""
    spec: dict[str, Any] = {
        "inputs": [{"name": "image", "shape": [1, 28, 28]}],
        "outputs": [{"name": "digit", "shape": [10]}],
        "layers": [
            {"type": "flatten", "name": "flat"},
            {"type": "inner_product", "name": "dense", "output_channels": 10, "updatable": True},
            {"type": "softmax", "name": "softmax"},
        ],
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2000},
        "epochs": 1000,
    }
    with Client(running_up.url) as client:
        made = client.train(
            spec, {"id": "mnist-sample", "train": "test", "validation": "test"}, name="streams", epochs=40
        )
        assert made.wait().status == "succeeded"
        return made.id


def _run(running_up: SimpleNamespace, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"{_PIPPIN} {command}"],
        env=os.environ | {"PIPPIN_URL": running_up.url},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


_COMMANDS = [
    "--help",
    "jobs",
    "jobs --json",
    "metrics {job} --follow",
    "metrics {job} --follow --json",
    "top",
    "plot {job}",
    "export {job} --to csv",
]


@pytest.mark.full
@pytest.mark.parametrize("command", _COMMANDS)
def test_closed_pipe_ends_a_command_silently_with_141(
    running_up: SimpleNamespace, job: str, tmp_path: Path, command: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pippin", *command.format(job=job).split()],
        env=os.environ | {"PIPPIN_URL": running_up.url},
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.full
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")  # noqa: PTH110
@pytest.mark.parametrize("command", ["--help", "jobs --json", "export {job} --to csv"])
def test_full_disk_gives_one_sentence_and_exit_code_1(
    running_up: SimpleNamespace, job: str, tmp_path: Path, command: str
) -> None:
    done = _run(running_up, command.format(job=job) + " > /dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: Standard output cannot be written: no space left on device.\n"


@pytest.mark.full
@pytest.mark.parametrize("command", ["jobs", "jobs --json"])
def test_closed_stdout_gives_one_sentence_and_exit_code_1(
    running_up: SimpleNamespace, job: str, tmp_path: Path, command: str
) -> None:
    done = _run(running_up, command.format(job=job) + " >&-", tmp_path)
    assert (done.returncode, done.stderr) == (1, "Error: Standard output cannot be written: it is closed.\n")


def test_a_command_that_prints_nothing_succeeds_with_a_closed_stdout(
    running_up: SimpleNamespace, job: str, tmp_path: Path
) -> None:
    done = _run(running_up, f"jobs --label team=none-{job} >&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
def test_an_error_keeps_its_code_where_stderr_is_closed_or_full(running_up: SimpleNamespace, tmp_path: Path) -> None:
    assert _run(running_up, "job job_00000000000000000000000000 2>&-", tmp_path).returncode == 3
    assert _run(running_up, "job job_00000000000000000000000000 2>/dev/full", tmp_path).returncode == 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")  # noqa: PTH110
@pytest.mark.parametrize(("dropped", "code"), [("drop_unwritten_errors()", 3), ("", 120)])
def test_unwritable_stderr_does_not_change_the_exit_code(dropped: str, code: int) -> None:
    program = (
        "import sys\n"
        "from pippin.cli.streams import drop_unwritten_errors\n"
        "sys.stderr = open('/dev/full', 'w')\n"
        "sys.stderr.write('Error')\n"
        f"{dropped}\n"
        "sys.exit(3)"
    )
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == code


def test_ascii_terminal_shows_other_characters_escaped(running_up: SimpleNamespace, job: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pippin", "plot", job],
        env=os.environ | {"PIPPIN_URL": running_up.url, "PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "streams, succeeded" in done.stdout
