"""The launchd property lists, and shellcheck on the scripts."""

import plistlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from pippin.cli.app import app
from tests.support.paths import DEPLOY

FOLDER = DEPLOY / "macos"
SCRIPTS = [FOLDER / name for name in ("common.sh", "install.sh", "uninstall.sh", "pippin-env", "rotate-logs")]
PLISTS = sorted(FOLDER.glob("*.plist"))


def read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        found: dict[str, Any] = plistlib.load(file)
    return found


# common.sh is checked with the scripts that source it: alone, its variables are unused or undefined.
@pytest.mark.parametrize("script", SCRIPTS[1:], ids=lambda path: path.name)
def test_each_script_passes_shellcheck(script: Path) -> None:
    shellcheck = str(Path(sys.executable).parent / "shellcheck")
    command = [shellcheck, "--external-sources", "--check-sourced", "--source-path", str(FOLDER), str(script)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_lists_of_scripts_and_plists_are_complete() -> None:
    assert {path for path in FOLDER.iterdir() if path.suffix != ".plist"} == set(SCRIPTS)
    assert [path.name for path in PLISTS] == ["local.pippin.logs.plist", "local.pippin.worker.plist"]


@pytest.mark.parametrize("path", PLISTS, ids=lambda path: path.stem)
class TestPlists:
    def test_file_name_matches_the_label(self, path: Path) -> None:
        assert read(path)["Label"] == path.stem

    def test_program_is_an_executable_script_of_this_folder(self, path: Path) -> None:
        program = read(path)["ProgramArguments"][0]
        folder, _, name = program.rpartition("/")
        assert folder == "@PREFIX@/bin"
        assert (FOLDER / name) in SCRIPTS
        assert (FOLDER / name).stat().st_mode & 0o111

    def test_plist_sets_an_unprivileged_user_and_contains_no_settings(self, path: Path) -> None:
        plist = read(path)
        assert plist["UserName"] == "@USER@"
        assert not [name for name in plist.get("EnvironmentVariables", {}) if name.startswith(("PIPPIN_", "AWS_"))]
        assert not [word for word in plist["ProgramArguments"] if "://" in word]


def test_worker_is_kept_alive_and_runs_as_interactive() -> None:
    plist = read(FOLDER / "local.pippin.worker.plist")
    assert plist["KeepAlive"] is True
    assert plist["RunAtLoad"] is True
    assert plist["ThrottleInterval"] >= 10
    assert plist["ProcessType"] == "Interactive"
    assert plist["Umask"] == 0o077


def test_worker_plist_runs_an_existing_pippin_command() -> None:
    _, command, option, engine = read(FOLDER / "local.pippin.worker.plist")["ProgramArguments"]
    commands = typer.main.get_group(app).commands
    assert command in commands
    assert option in [name for parameter in commands[command].params for name in parameter.opts]
    assert engine == "coreml"
