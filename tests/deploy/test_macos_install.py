"""The installer: as a dry run, and with stand-ins for the programs of macOS. No real environment is created."""

import os
import plistlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.deploy.conftest import Mac

DryRun = Callable[..., list[str]]
SETTINGS = {
    "PIPPIN_REDIS_URL": "rediss://:s3c$ret 'x'@redis.example.com:6380/0",
    "PIPPIN_BLOBS_URL": "https://pippin.example.com",
}


def test_a_dry_run_prints_every_command_in_order(dry_run: DryRun, tmp_path: Path) -> None:
    lines = dry_run("install.sh")
    prefix = f"{tmp_path}/.pippin-worker"
    logs = f"{tmp_path}/Library/Logs/Pippin"
    commands = [line for line in lines if line.startswith("+ ")]
    pip = f"+ {prefix}/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps"
    assert commands[:2] == [f"+ sudo launchctl bootout system/local.pippin.{job}" for job in ("worker", "logs")]
    del commands[:2]
    assert commands[0] == f"+ mkdir -p {prefix}/bin {tmp_path}/Library/Logs/Pippin"
    assert commands[2] == f"+ touch {logs}/worker.log {logs}/rotate-logs.log"
    assert commands[3].endswith(f"-m venv --clear {prefix}/venv")
    assert commands[4] == f"{pip} --require-hashes -r {ROOT}/requirements.lock"
    assert commands[5] == f"{pip} --no-build-isolation --force-reinstall {ROOT}"
    assert commands[7] == f"+ {prefix}/bin/pippin-env doctor"
    assert commands[8:] == [
        line
        for job in ("local.pippin.worker", "local.pippin.logs")
        for line in (
            f"+ sudo install -o root -g wheel -m 644 {prefix}/{job}.plist /Library/LaunchDaemons/{job}.plist",
            f"+ sudo launchctl enable system/{job}",
            f"+ sudo launchctl bootstrap system /Library/LaunchDaemons/{job}.plist",
        )
    ]


def test_a_dry_run_shows_the_plists_filled_in(dry_run: DryRun, tmp_path: Path) -> None:
    text = "\n".join(dry_run("install.sh", "--prefix", "/opt/pippin"))
    begin, end = text.index("<?xml"), text.index("</plist>") + len("</plist>")
    plist = plistlib.loads(text[begin:end].encode())
    assert plist["ProgramArguments"] == ["/opt/pippin/bin/pippin-env", "worker", "--engine", "coreml"]
    assert plist["EnvironmentVariables"]["HOME"] == str(tmp_path)
    assert plist["StandardErrorPath"] == f"{tmp_path}/Library/Logs/Pippin/worker.log"


def test_install_writes_private_settings_and_loads_the_jobs(mac: "Mac") -> None:
    printed = mac.install(**SETTINGS)
    assert mac.loaded() == {"local.pippin.worker", "local.pippin.logs"}
    settings = mac.prefix / "worker.env"
    assert settings.stat().st_mode & 0o777 == 0o600
    assert settings.read_text() == "".join(f"{name}={value}\n" for name, value in SETTINGS.items())
    calls = mac.calls()
    assert "pippin doctor" in calls
    assert "s3c$ret" not in "".join(calls) + printed
    for job in mac.loaded():
        plist = (mac.prefix / f"{job}.plist").read_text()
        assert "@" not in plist.partition("-->")[2]
        assert plistlib.loads(plist.encode())["UserName"] == "trainer"
        assert "s3c$ret" not in plist


def test_install_prompts_for_settings_without_echoing_secrets(mac: "Mac") -> None:
    terminal, theirs = os.openpty()
    answers = [
        ("6380/0 (not shown): ", "rediss://:s3cret@host:1/0"),
        ("s3://bucket/prefix: ", "https://service"),
        ("(empty for none): ", ""),
        ("token (empty for none) (not shown): ", "t0ken"),
    ]
    with subprocess.Popen(
        mac.command("install.sh", "--python", "python"),
        env=mac.environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    ) as asking:
        assert asking.stdout is not None
        printed = b""
        for question, answer in answers:
            while not printed.endswith(question.encode()):
                printed += asking.stdout.read(1) or pytest.fail(printed.decode())
            os.write(terminal, f"{answer}\n".encode())
        printed += asking.stdout.read()
    os.close(theirs)
    os.set_blocking(terminal, False)
    echoed = os.read(terminal, 10_000)
    os.close(terminal)
    assert asking.returncode == 0, printed
    assert b"https://service" in echoed
    assert b"s3cret" not in echoed + printed
    assert b"t0ken" not in echoed + printed
    token = mac.prefix / "worker.token"
    assert (mac.prefix / "worker.env").read_text().splitlines() == [
        "PIPPIN_REDIS_URL=rediss://:s3cret@host:1/0",
        "PIPPIN_BLOBS_URL=https://service",
        f"PIPPIN_TOKEN_FILE={token}",
    ]
    assert token.read_text() == "t0ken\n"
    assert token.stat().st_mode & 0o777 == 0o600


def test_reinstall_keeps_settings_and_restarts_the_worker(mac: "Mac") -> None:
    mac.install(**SETTINGS)
    mac.calls()
    (mac.prefix / "worker.env").chmod(0o644)
    mac.install()
    assert (mac.prefix / "worker.env").read_text().startswith("PIPPIN_REDIS_URL=rediss://")
    assert (mac.prefix / "worker.env").stat().st_mode & 0o777 == 0o600
    calls = mac.calls()
    assert not [call for call in calls if "-m venv" in call]
    order = [
        calls.index("launchctl bootout system/local.pippin.worker"),
        next(number for number, call in enumerate(calls) if "-m pip install" in call),
        calls.index("launchctl bootstrap system /Library/LaunchDaemons/local.pippin.worker.plist"),
    ]
    assert order == sorted(order)
    assert mac.loaded() == {"local.pippin.worker", "local.pippin.logs"}


def test_install_loads_nothing_when_the_doctor_fails(mac: "Mac") -> None:
    printed = mac.install(code=1, DOCTOR="1", **SETTINGS)
    assert "the doctor found a fault, so the worker is not started" in printed
    assert mac.loaded() == set()


def test_install_without_a_terminal_names_missing_settings(mac: "Mac") -> None:
    assert "set PIPPIN_REDIS_URL" in mac.install(code=1)
    assert not (mac.prefix / "worker.env").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--python", "false"], 1, "Python 3.11, 3.12 or 3.13 is needed, and false is none"),
        (["--prefix", "relative"], 1, "is not an absolute path"),
        (["--prefix", "/with|bar"], 1, "characters other than letters"),
        (["--prefix"], 1, "needs a value"),
        (["--nonsense"], 2, "usage: install.sh"),
    ],
)
def test_invalid_arguments_are_refused_before_any_file_is_created(
    mac: "Mac", arguments: list[str], code: int, sentence: str
) -> None:
    assert sentence in mac.run("install.sh", *arguments, code=code, **SETTINGS)
    assert list(mac.home.iterdir()) == []


def test_uninstall_dry_run_prints_every_command(dry_run: DryRun, tmp_path: Path) -> None:
    lines = dry_run("uninstall.sh", "--purge")
    for job in ("local.pippin.worker", "local.pippin.logs"):
        assert f"+ sudo launchctl bootout system/{job}" in lines
        assert f"+ sudo rm -f /Library/LaunchDaemons/{job}.plist" in lines
    assert f"+ rm -rf {tmp_path}/.pippin-worker/venv" in lines
    assert f"+ rm -f {tmp_path}/.pippin-worker/worker.env {tmp_path}/.pippin-worker/worker.token" in lines


def test_uninstall_stops_the_jobs_and_keeps_settings_unless_purged(mac: "Mac") -> None:
    mac.install(**SETTINGS)
    for _ in range(2):
        mac.run("uninstall.sh")
        assert mac.loaded() == set()
    assert sorted(path.name for path in mac.prefix.iterdir()) == ["bin", "worker.env"]
    assert list((mac.prefix / "bin").iterdir()) == []
    mac.run("uninstall.sh", "--purge")
    assert not (mac.prefix / "worker.env").exists()
