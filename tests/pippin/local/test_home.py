"""PIPPIN_HOME records the version that has used it."""

import subprocess
from pathlib import Path

import pytest

from pippin.local.home import VERSION, HomeVersionError, prepare_home
from tests.support.processes import module


def test_new_home_gets_this_version_and_is_reused(tmp_path: Path) -> None:
    for _ in range(2):
        prepare_home(tmp_path / "home")
        assert (tmp_path / "home" / "version").read_text() == f"{VERSION}\n"
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["version"]


def test_home_of_a_newer_minor_version_keeps_its_version(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("1.99\n")
    prepare_home(tmp_path)
    assert (tmp_path / "version").read_text() == "1.99\n"


@pytest.mark.parametrize("text", ["", "one", "1", "1.0.0", "-1.0", "9999999.0", "\x00", "1.0\n1.0"])
def test_a_damaged_version_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "version").write_text(text)
    with pytest.raises(HomeVersionError, match="is damaged"):
        prepare_home(tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("command", [["pippin", "up"], ["service"], ["worker"]])
def test_nothing_starts_on_a_home_of_a_newer_major_version(tmp_path: Path, command: list[str]) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "version").write_text("2.3\n")
    settings = {"PIPPIN_HOME": str(tmp_path), "PIPPIN_REDIS_URL": "redis://127.0.0.1:1"}
    settings = settings if command[0] != "pippin" else {"PIPPIN_HOME": str(tmp_path)}
    ran = subprocess.run(module(*command), env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode != 0
    assert "has version 2.3 and was used by a newer Pippin" in " ".join(ran.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["version"]
