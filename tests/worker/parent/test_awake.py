"""The machine is kept awake for as long as a child runs, with a stand-in for caffeinate that tells what it is given."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.support.waiting import wait_for
from worker.parent.awake import CAFFEINATE, Awake

if TYPE_CHECKING:
    from tests.worker.conftest import Bench


@pytest.fixture
def caffeinate(tmp_path: Path) -> Path:
    """A program that writes its process id and its arguments, and ends when it is told to."""
    program = tmp_path / "caffeinate"
    program.write_text(
        f'#!/bin/sh\necho "$$ $*" > "{tmp_path}/new"\nmv "{tmp_path}/new" "{tmp_path}/told"\nexec sleep 600\n'
    )
    program.chmod(0o755)
    return program


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_idle_sleep_is_held_off_until_the_block_ends(caffeinate: Path, tmp_path: Path) -> None:
    with Awake(caffeinate).during(4321):
        wait_for((tmp_path / "told").exists)
        holder, *arguments = (tmp_path / "told").read_text().split()
        assert arguments == ["-i", "-w", "4321"]
        assert _exists(int(holder))
    assert not _exists(int(holder)), "and nobody is left to bury"


def test_it_ends_with_a_block_that_fails(caffeinate: Path, tmp_path: Path) -> None:
    def fail() -> None:
        with Awake(caffeinate).during(os.getpid()):
            wait_for((tmp_path / "told").exists)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not _exists(int((tmp_path / "told").read_text().split()[0]))


def test_a_program_that_has_ended_by_itself_is_no_trouble(tmp_path: Path) -> None:
    program = tmp_path / "caffeinate"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with Awake(program).during(1):
        pass


def test_a_missing_program_is_told_once_and_the_job_goes_on(tmp_path: Path) -> None:
    awake = Awake(tmp_path / "nothing")
    done = []
    with capture_logs() as logs:
        for job in (1, 2):
            with awake.during(job):
                done.append(job)
    assert done == [1, 2]
    (entry,) = logs
    assert entry["log_level"] == "warning"
    assert "may fall asleep" in entry["event"]
    assert "pmset" in entry["event"]


# A worker on a machine of which is said how it is kept awake.
_WORKER = """
import sys
from pathlib import Path
from pippin.settings import Settings
from worker.parent.awake import Awake
from worker.engines import EngineOptions, make_engine
from worker.parent.loop import work
from worker.parent.shutdown import Shutdown

settings, shutdown = Settings(), Shutdown()
shutdown.install()
engine = make_engine("jax", EngineOptions.of(settings))
work(settings, engine, shutdown, name=None, way="spawn", awake=Awake(Path(sys.argv[1])))
"""


@pytest.mark.full
def test_a_worker_holds_it_while_its_child_trains_and_no_longer(
    bench: "Bench", valkey_url: str, home: Path, caffeinate: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PIPPIN_REDIS_URL": valkey_url, "PIPPIN_HOME": str(home)}
    job = bench.submit_long()
    with subprocess.Popen([sys.executable, "-P", "-c", _WORKER, caffeinate], env=environment) as worker:
        try:
            bench.wait_until(job, lambda job: job.progress.epoch >= 1)
            holder, *_, child = (tmp_path / "told").read_text().split()
            assert "worker.attempt.entry" in Path(f"/proc/{child}/cmdline").read_text()
            assert _exists(int(holder))
        finally:
            worker.terminate()
            assert worker.wait(30) == 0
    assert not _exists(int(holder))


def test_the_program_is_that_of_macos_and_there_only() -> None:
    expected = Path("/usr/bin/caffeinate") if sys.platform == "darwin" else None
    assert expected == CAFFEINATE
