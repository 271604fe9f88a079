"""The two scripts that launchd runs, executed for real: the settings reader and the log rotation."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import DEPLOY

FOLDER = DEPLOY / "macos"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder as the installer creates it, with a `pippin` that prints its arguments and settings."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "venv/bin").mkdir(parents=True)
    shutil.copy(FOLDER / "pippin-env", tmp_path / "bin")
    program = tmp_path / "venv/bin/pippin"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, pathlib, sys\n"
        "arguments = pathlib.Path('/proc/self/cmdline').read_text()\n"
        "settings = {name: value for name, value in os.environ.items() if name.startswith('PIPPIN_')}\n"
        "print(json.dumps([sys.argv[1:], settings, arguments]))\n"
    )
    program.chmod(0o755)
    return tmp_path


def run(installed: Path, settings: str, mode: int = 0o600) -> "subprocess.CompletedProcess[str]":
    (installed / "worker.env").write_text(settings)
    (installed / "worker.env").chmod(mode)
    return subprocess.run(
        [installed / "bin/pippin-env", "worker", "--engine", "coreml"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_settings_are_passed_verbatim_and_never_as_arguments(installed: Path) -> None:
    value = "rediss://:a$(touch x)`b`'\"\\ c=d#e@host:1/0"
    done = run(installed, f"# a comment\n\nPIPPIN_REDIS_URL={value}\nPIPPIN_URL=https://last-without-a-line-end")
    arguments, settings, shown = json.loads(done.stdout)
    assert arguments == ["worker", "--engine", "coreml"]
    assert settings == {"PIPPIN_REDIS_URL": value, "PIPPIN_URL": "https://last-without-a-line-end"}
    assert "rediss" not in shown


@pytest.mark.parametrize(
    ("settings", "mode", "sentence"),
    [
        ("PIPPIN_URL=x\n", 0o640, "chmod 600"),
        ("PIPPIN_URL=x\n", 0o602, "chmod 600"),
        ("PIPPIN_URL=x\nexport PIPPIN_HOST=y\n", 0o600, "line 2"),
        ("PIPPIN URL=x\n", 0o600, "names no variable"),
    ],
)
def test_settings_file_must_be_private_and_well_formed(
    installed: Path, settings: str, mode: int, sentence: str
) -> None:
    done = run(installed, settings, mode)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""


def test_missing_settings_file_is_reported(installed: Path) -> None:
    done = subprocess.run([installed / "bin/pippin-env"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "run install.sh again" in done.stderr


def rotate(folder: Path, limit: int, kept: int) -> None:
    subprocess.run([FOLDER / "rotate-logs", folder, str(limit), str(kept)], check=True, timeout=60)


def test_log_above_the_limit_is_compressed_and_truncated_in_place(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    # launchd opens the log in the same way.
    with log.open("ab", buffering=0) as writer:
        for turn in range(4):
            writer.write(f"turn {turn} ".encode() * 20)
            rotate(tmp_path, limit=100, kept=2)
            assert log.read_bytes() == b""
        writer.write(b"after")
    assert log.read_bytes() == b"after", "it is appended to from the new beginning"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker.log", "worker.log.1.gz", "worker.log.2.gz"]
    assert gzip.decompress((tmp_path / "worker.log.1.gz").read_bytes()).startswith(b"turn 3")
    assert gzip.decompress((tmp_path / "worker.log.2.gz").read_bytes()).startswith(b"turn 2")


def test_small_logs_and_other_files_are_not_rotated(tmp_path: Path) -> None:
    (tmp_path / "small.log").write_text("x")
    (tmp_path / "large.txt").write_text("x" * 1000)
    rotate(tmp_path, limit=100, kept=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.txt", "small.log"]


def test_rotation_accepts_a_folder_without_logs(tmp_path: Path) -> None:
    rotate(tmp_path, limit=100, kept=2)
