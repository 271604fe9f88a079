"""Commands that are killed: the previous backup and the records of the target are as before."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.store import keys
from pippin.store.backup import BackupError
from tests.pippin.store.backup.conftest import Side
from tests.pippin.store.driver import TENANT
from tests.support.waiting import DEADLINE


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kill(command: subprocess.Popen[str], when: Callable[[], object]) -> None:
    """Kill a command as soon as `when()` is true; the command must still be running then."""
    deadline = time.monotonic() + DEADLINE
    while not when():
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    command.kill()
    command.communicate()
    assert command.returncode == -signal.SIGKILL


def count(folder: Path) -> int:
    return sum(1 for path in folder.glob("??/*") if "." not in path.name and "#" not in path.name)


@pytest.mark.full
def test_killed_backup_keeps_the_previous_one(source: Side, target: Side, folder: Path) -> None:
    source.add_models(3)
    source.save(folder)
    before, contents = files_of(folder), source.contents()
    source.add_models(500)
    kill(source.command("backup", folder), lambda: count(folder / "blobs") > 10)
    after = files_of(folder)
    assert before.items() <= after.items()
    assert len(after) > len(before)
    target.restore(folder)
    assert target.contents() == contents
    # The next backup reuses the blobs that the killed one had copied.
    copied = count(folder / "blobs")
    assert source.save(folder).copied <= 503 - copied
    assert len(files_of(folder)) == 500 + 4


@pytest.mark.full
def test_killed_first_backup_cannot_be_restored(source: Side, target: Side, folder: Path) -> None:
    source.add_models(500)
    kill(source.command("backup", folder), lambda: count(folder / "blobs") > 10)
    with pytest.raises(BackupError, match="contains no complete backup: a backup there did not finish"):
        target.restore(folder)
    refused = target.run("restore", folder)
    assert (refused.exit_code, refused.stdout, len(refused.stderr.splitlines())) == (3, "", 1)
    assert target.is_empty


@pytest.mark.full
def test_restore_killed_while_storing_blobs_changes_no_record(source: Side, target: Side, folder: Path) -> None:
    source.add_models(500)
    source.save(folder)
    kill(target.command("restore", folder), lambda: count(target.home / "blobs") > 10)
    assert target.contents() == {}
    assert target.restore(folder).refusal is None
    assert target.contents() == source.contents()
    assert set(target.blobs.names()) == set(source.blobs.names())


@pytest.mark.full
def test_restore_killed_while_writing_records_changes_no_record(source: Side, target: Side, folder: Path) -> None:
    source.add_models(1)
    source.store.redis.mset({f"pippin:default:filler:{number}": "x" * 100 for number in range(8_000)})
    source.save(folder)
    present = target.submit(7)
    before = target.contents()
    command = target.command("restore", folder, "--replace")
    kill(command, lambda: target.store.redis.dbsize() > len(before) + 500)
    assert target.contents() == before
    assert target.driver.read(present) == present
    target.restore(folder, replace=True)
    assert target.contents() == source.contents()
    assert list(target.store.redis.scan_iter(f"{keys.STAGED}*")) == []
    assert target.store.jobs.get(TENANT, present.id) is None
