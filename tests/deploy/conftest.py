"""Stand-ins for the programs of macOS that the installer calls, and for Python's venv and pip."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import DEPLOY

# Programs of a Mac, as far as the scripts need them. `launchctl` records the loaded jobs.
_PROGRAMS = {
    "uname": "echo Darwin",
    # The tests may run as root, which the installer refuses.
    "id": "case $1 in -u) echo 501 ;; -un) echo trainer ;; esac",
    "sudo": 'echo "sudo $*" >>"$LOG"; case $1 in launchctl) shift; launchctl "$@" ;; esac',
    "launchctl": """
echo "launchctl $*" >>"$LOG"
case $1 in
  print) [ -f "$LOADED/${2#system/}" ] ;;
  bootstrap) touch "$LOADED/$(basename "$3" .plist)" ;;
  bootout) rm "$LOADED/${2#system/}" ;;
esac""",
    # Handles `python -m venv --clear FOLDER`; every other call succeeds.
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
    """A home folder and the commands of a simulated Mac."""

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

    def run(self, script: str, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run a script of deploy/macos with these programs first on the PATH; what it prints."""
        done = _run(script, *arguments, environment=self.environment(**environment))
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    @staticmethod
    def command(script: str, *arguments: str) -> list[str]:
        """The command line of a script of deploy/macos."""
        return ["sh", str(DEPLOY / "macos" / script), *arguments]

    def install(self, code: int = 0, **environment: str) -> str:
        """Run the installer with the stand-in for Python."""
        return self.run("install.sh", "--python", "python", code=code, **environment)

    def environment(self, **more: str) -> dict[str, str]:
        path = f"{self._programs}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.home), "LOG": str(self._log), "LOADED": str(self._loaded), **more}

    def calls(self) -> list[str]:
        """The calls since the last call of this method."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return lines

    def loaded(self) -> set[str]:
        """The jobs that are loaded in launchd."""
        return {each.name for each in self._loaded.iterdir()}


def _run(script: str, *arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        Mac.command(script, *arguments),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def mac(tmp_path: Path) -> Mac:
    return Mac(tmp_path)


@pytest.fixture
def dry_run(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a script with --dry-run on this system without stand-ins, and returns its output lines."""

    def run(script: str, *arguments: str) -> list[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        done = _run(script, "--dry-run", *arguments, environment=environment)
        assert done.returncode == 0, done.stderr
        assert list(tmp_path.iterdir()) == [], "a dry run touches nothing"
        return done.stdout.splitlines()

    return run
