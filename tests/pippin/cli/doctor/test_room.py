"""What the doctor says of the disk."""

from pathlib import Path

import pytest

from pippin.cli.doctor.finding import Level
from pippin.cli.doctor.room import check_room

GIB = 2**30


@pytest.mark.parametrize(
    ("free", "level", "advice"),
    [
        (GIB - 1, Level.FAULT, "Free at least 1 GiB"),
        (9 * GIB, Level.WARNING, "PIPPIN_CACHE_BYTES"),
        (10 * GIB, Level.OK, ""),
    ],
)
def test_little_room_is_told(tmp_path: Path, free: int, level: Level, advice: str) -> None:
    finding = check_room(tmp_path, 10 * GIB, free)
    assert finding.level is level
    assert advice in finding.advice


def test_the_disk_is_asked_for_a_home_that_does_not_exist_yet(tmp_path: Path) -> None:
    finding = check_room(tmp_path / "not" / "yet", 0)
    assert finding.level is Level.OK
    assert "GiB free" in finding.found
    assert not (tmp_path / "not").exists()


def test_a_home_that_cannot_be_written_to_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = check_room(tmp_path / "file" / "home", 0)
    assert finding.level is Level.FAULT
    assert "PIPPIN_HOME" in finding.advice
