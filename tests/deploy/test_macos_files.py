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
    settings: dict[str, Any] = plistlib.loads(path.read_bytes())
    return settings


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
def test_plist_runs_an_executable_of_this_folder_as_an_unprivileged_user_without_settings(path: Path) -> None:
    plist = read(path)
    assert (plist["Label"], plist["UserName"]) == (path.stem, "@USER@")
    folder, _, name = plist["ProgramArguments"][0].rpartition("/")
    assert folder == "@PREFIX@/bin"
    assert (FOLDER / name) in SCRIPTS
    assert (FOLDER / name).stat().st_mode & 0o111
    assert not [name for name in plist.get("EnvironmentVariables", {}) if name.startswith(("PIPPIN_", "AWS_"))]
    assert not [word for word in plist["ProgramArguments"] if "://" in word]


def test_worker_is_kept_alive_and_runs_as_interactive() -> None:
    plist = read(FOLDER / "local.pippin.worker.plist")
    expected = {"KeepAlive": True, "RunAtLoad": True, "ProcessType": "Interactive", "Umask": 0o077}
    assert {name: plist[name] for name in expected} == expected
    assert plist["ThrottleInterval"] >= 10


def test_worker_plist_runs_an_existing_pippin_command() -> None:
    _, command, option, engine = read(FOLDER / "local.pippin.worker.plist")["ProgramArguments"]
    commands = typer.main.get_group(app).commands
    assert command in commands
    assert option in [name for parameter in commands[command].params for name in parameter.opts]
    assert engine == "coreml"
