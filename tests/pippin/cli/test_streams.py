"""Standard output that is a broken pipe, closed or full: one exit code and at most one sentence."""

import os
import shlex
import subprocess
import sys
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.pippin.cli.conftest import Processes
from tests.support.processes import pippin

NEEDS_DEV_FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")  # noqa: PTH110


def in_a_shell(processes: Processes, command: str) -> CompletedProcess[str]:
    """Run a `pippin` command with a shell's redirections."""
    return processes.run_line(["bash", "-c", f"{shlex.join(pippin())} {command}"])


@pytest.mark.full
@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "jobs",
        "jobs --json",
        "metrics {job} --follow",
        "metrics {job} --follow --json",
        "top",
        "plot {job}",
        "export {job} --to csv",
    ],
)
def test_closed_pipe_ends_a_command_silently_with_141(
    processes: Processes, finished: dict[str, Any], command: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = processes.run(*command.format(job=finished["id"]).split(), stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.full
@NEEDS_DEV_FULL
@pytest.mark.parametrize("command", ["--help", "jobs --json", "export {job} --to csv"])
def test_full_disk_gives_one_sentence_and_exit_code_1(
    processes: Processes, finished: dict[str, Any], command: str
) -> None:
    done = in_a_shell(processes, command.format(job=finished["id"]) + " > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "Error: Standard output cannot be written: no space left on device.\n"


@pytest.mark.full
@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("command", ["jobs", "jobs --json"])
def test_closed_stdout_gives_one_sentence_and_exit_code_1(processes: Processes, command: str) -> None:
    done = in_a_shell(processes, f"{command} >&-")
    assert (done.returncode, done.stderr) == (1, "Error: Standard output cannot be written: it is closed.\n")


@pytest.mark.full
def test_a_command_that_prints_nothing_succeeds_with_a_closed_stdout(processes: Processes) -> None:
    done = in_a_shell(processes, "jobs --label team=absent >&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
@pytest.mark.parametrize("stderr", ["&-", "/dev/full"])
def test_an_error_keeps_its_code_where_stderr_is_closed_or_full(processes: Processes, stderr: str) -> None:
    assert in_a_shell(processes, f"job job_00000000000000000000000000 2>{stderr}").returncode == 3


@NEEDS_DEV_FULL
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


@pytest.mark.full
def test_ascii_terminal_shows_other_characters_escaped(processes: Processes, finished: dict[str, Any]) -> None:
    done = processes.run("plot", finished["id"], PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "small, succeeded" in done.stdout
