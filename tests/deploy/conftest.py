"""Stand-ins for the programs of macOS that the installer calls, and a Python that makes an environment at once."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# Programs of a Mac, as far as the scripts need them. `launchctl` remembers what is loaded.
_PROGRAMS = {
    "uname": "echo Darwin",
    # The tests may be run by root, which the installer refuses to be.
    "id": "case $1 in -u) echo 501 ;; -un) echo trainer ;; esac",
    "sudo": 'echo "sudo $*" >>"$LOG"; case $1 in launchctl) shift; launchctl "$@" ;; esac',
    "launchctl": """
echo "launchctl $*" >>"$LOG"
case $1 in
  print) [ -f "$LOADED/${2#system/}" ] ;;
  bootstrap) touch "$LOADED/$(basename "$3" .plist)" ;;
  bootout) rm "$LOADED/${2#system/}" ;;
esac""",
    # `python -m venv --clear FOLDER`, and every other call of it succeeds.
    "python": """
echo "python $*" >>"$LOG"
if [ "$2" = venv ]; then
  mkdir -p "$4/bin"
  cp "$0" "$4/bin/python"
  printf '#!/bin/sh\\necho "pippin $*" >>"$LOG"\\nexit ${DOCTOR:-0}\\n' >"$4/bin/pippin"
  chmod +x "$4/bin/pippin"
fi""",
}


class Mac:
    """A home folder and the commands of a Mac that was never there.

    Attributes:
        home: HOME of the scripts.
        prefix: Where they install to.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.prefix = self.home / ".pippin-worker"
        self._log = folder / "log"
        self._programs = folder / "programs"
        self._loaded = folder / "loaded"
        for each in (self.home, self._programs, self._loaded):
            each.mkdir()
        for name, body in _PROGRAMS.items():
            (self._programs / name).write_text(f"#!/bin/sh\n{body}\n")
            (self._programs / name).chmod(0o755)

    def run(self, script: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs a script of deploy/macos with these programs before all others."""
        return subprocess.run(
            self.command(script, *arguments),
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @staticmethod
    def command(script: str, *arguments: str) -> list[str]:
        """The command line of a script of deploy/macos."""
        return ["sh", str(ROOT / "deploy/macos" / script), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """The variables with which a script runs here."""
        path = f"{self._programs}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.home), "LOG": str(self._log), "LOADED": str(self._loaded), **more}

    def calls(self) -> list[str]:
        """What was called since the last time this was asked."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return lines

    def loaded(self) -> set[str]:
        """The jobs that launchd has."""
        return {each.name for each in self._loaded.iterdir()}


@pytest.fixture
def mac(tmp_path: Path) -> Mac:
    """A Mac for one test."""
    return Mac(tmp_path)


@pytest.fixture
def dry_run(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a script with --dry-run as it is on this system, and gives the lines that it prints."""

    def run(script: str, *arguments: str) -> list[str]:
        done = subprocess.run(
            ["sh", ROOT / "deploy/macos" / script, "--dry-run", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert list(tmp_path.iterdir()) == [], "a dry run touches nothing"
        return done.stdout.splitlines()

    return run
