"""The sleep inhibitor, with a stand-in for caffeinate that records its arguments, and the backoff after crashes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.support.waiting import DEADLINE, wait_for
from tests.worker.conftest import Bench
from worker.parent.host import CAFFEINATE, MAX_PAUSE, CrashBackoff, SleepInhibitor


@pytest.fixture
def caffeinate(tmp_path: Path) -> Path:
    """A program that writes its process id and its arguments, and runs until a signal ends it."""
    program = tmp_path / "caffeinate"
    program.write_text(
        f'#!/bin/sh\necho "$$ $*" > "{tmp_path}/new"\nmv "{tmp_path}/new" "{tmp_path}/started"\nexec sleep 600\n'
    )
    program.chmod(0o755)
    return program


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_caffeinate_runs_until_the_block_ends(caffeinate: Path, tmp_path: Path) -> None:
    with SleepInhibitor(caffeinate).during(4321):
        wait_for((tmp_path / "started").exists)
        holder, *arguments = (tmp_path / "started").read_text().split()
        assert arguments == ["-i", "-w", "4321"]
        assert _exists(int(holder))
    assert not _exists(int(holder))


def test_caffeinate_ends_when_the_block_raises(caffeinate: Path, tmp_path: Path) -> None:
    def fail() -> None:
        with SleepInhibitor(caffeinate).during(os.getpid()):
            wait_for((tmp_path / "started").exists)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not _exists(int((tmp_path / "started").read_text().split()[0]))


def test_already_exited_caffeinate_is_no_error(tmp_path: Path) -> None:
    program = tmp_path / "caffeinate"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with SleepInhibitor(program).during(1):
        pass


def test_missing_caffeinate_is_logged_once_and_jobs_run(tmp_path: Path) -> None:
    inhibitor = SleepInhibitor(tmp_path / "nothing")
    done = []
    with capture_logs() as logs:
        for job in (1, 2):
            with inhibitor.during(job):
                done.append(job)
    assert done == [1, 2]
    (entry,) = logs
    assert entry["log_level"] == "warning"
    assert "may fall asleep" in entry["event"]
    assert "pmset" in entry["event"]


# A worker with a stand-in for caffeinate.
_WORKER = """
import sys
from pathlib import Path
from pippin.settings import Settings
from worker.parent.host import SleepInhibitor
from worker.engines import EngineOptions, make_engine
from worker.parent.loop import work
from worker.parent.shutdown import Shutdown

settings, shutdown = Settings(), Shutdown()
shutdown.install()
engine = make_engine("jax", EngineOptions.of(settings))
work(settings, engine, shutdown, name=None, start_method="spawn", sleep_inhibitor=SleepInhibitor(Path(sys.argv[1])))
"""


@pytest.mark.full
def test_worker_runs_caffeinate_only_while_its_child_trains(
    bench: Bench, valkey_url: str, home: Path, caffeinate: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PIPPIN_REDIS_URL": valkey_url, "PIPPIN_HOME": str(home)}
    job = bench.submit_long()
    with subprocess.Popen([sys.executable, "-P", "-c", _WORKER, caffeinate], env=environment) as worker:
        try:
            bench.wait_for_epoch(job)
            holder, *_, child = (tmp_path / "started").read_text().split()
            assert "worker.attempt.entry" in Path(f"/proc/{child}/cmdline").read_text()
            assert _exists(int(holder))
        finally:
            worker.terminate()
            assert worker.wait(DEADLINE) == 0
    assert not _exists(int(holder))


def test_caffeinate_is_used_on_macos_only() -> None:
    expected = Path("/usr/bin/caffeinate") if sys.platform == "darwin" else None
    assert expected == CAFFEINATE


def pauses(*attempts: tuple[bool, float]) -> list[float]:
    """How long a worker pauses after attempts that were lost or not and lasted so many seconds."""
    now = 0.0
    backoff = CrashBackoff(lambda: now)
    seconds_paused = []
    for lost, seconds in attempts:
        backoff.begin()
        now += seconds
        seconds_paused.append(backoff.end(lost=lost))
    return seconds_paused


def test_crash_backoff_doubles_up_to_a_limit() -> None:
    assert pauses(*[(True, 1.0)] * 9) == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert MAX_PAUSE == 30


@pytest.mark.parametrize("attempt", [(False, 1), (True, 60)], ids=["successful", "long"])
def test_successful_or_long_attempt_resets_the_backoff(attempt: tuple[bool, float]) -> None:
    assert pauses((True, 1), (True, 1), attempt, (True, 1), (True, 1)) == [0, 1, 0, 0, 1]


def test_backoff_pause_ends_when_the_worker_stops() -> None:
    asked = iter([False, True])
    CrashBackoff().pause(10_000, lambda: next(asked))
    assert next(asked, None) is None
