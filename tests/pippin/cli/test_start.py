"""The command line's start, help, version and usage errors."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pippin.cli.conftest import Invoke
from tests.support.processes import pippin


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; sys.argv = ['pippin', '--help']\n"
        "from pippin.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numpy', 'jax', 'coremltools', 'httpx2', 'redis', 'pydantic', 'yaml', 'PIL', 'plotille', 'IPython',\n"
        "  'tensorboard', 'mlflow', 'rich.live', 'rich.progress'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Exit codes: 0 done" in done.stdout


def test_every_command_is_listed_with_a_whole_sentence(invoke: Invoke) -> None:
    text = invoke("--help").stdout
    names = "up serve worker demo new submit jobs job metrics plot top open cancel download export workers validate"
    more = "doctor datasets models retry parity checkpoints backup restore blobs tokens pause resume predict evaluate"
    for command in [*names.split(), *more.split()]:
        line = next(line for line in text.splitlines() if line.split()[:1] == [command])
        assert line.endswith("."), line
        assert not line.endswith("..."), line


def test_version_option_prints_the_packages_version(invoke: Invoke) -> None:
    from importlib.metadata import version  # noqa: PLC0415 - used here only

    assert invoke("--version").stdout == f"pippin {version('pippin')}\n"


def test_unknown_option_is_a_usage_error(invoke: Invoke) -> None:
    for line in ("jobs --nonsense", "nonsense", "download", "datasets add x"):
        invoke.refused(2, *line.split())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("jobs --limit 0", "Invalid value for '--limit': needs to be greater than or equal to 1"),
        ("jobs --limit x", "Invalid value for '--limit': needs to be a valid integer"),
        ("worker --engine x", "Invalid value for '--engine': 'x' is not one of 'coreml', 'jax'."),
    ],
)
def test_invalid_option_value_is_explained(invoke: Invoke, line: str, said: str) -> None:
    assert said in invoke.refused(2, *line.split())


@pytest.mark.full
def test_invalid_worker_name_is_refused() -> None:
    done = subprocess.run(pippin("worker", "--name", "a b"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pippin worker: error: argument --name: " in done.stderr


@pytest.mark.parametrize(
    "path", ["", "jobs", "jobs delete", "datasets preview", "worker", "checkpoints", "tokens list"]
)
def test_every_command_takes_a_short_option_for_help(invoke: Invoke, path: str) -> None:
    short, long = invoke(*path.split(), "-h"), invoke(*path.split(), "--help")
    assert (short.exit_code, short.stdout) == (0, long.stdout)


def test_label_without_a_value_is_a_usage_error(invoke: Invoke) -> None:
    assert "KEY=VALUE" in invoke.refused(2, "jobs", "--label", "team")


def test_absent_service_is_reported_with_address_and_start_command(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    url = f"http://127.0.0.1:{unused_port}"
    monkeypatch.setenv("PIPPIN_URL", url)
    done = invoke("workers", "--json")
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.splitlines() == [
        f"Error: No response from {url}: could not connect (Connection refused).",
        "Start a service with `pippin up`, or use another one. The address of the service is set by PIPPIN_URL.",
    ]


def test_misspelt_setting_is_refused_with_a_suggestion(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_ULR", "x")
    assert "did you mean PIPPIN_URL?" in invoke.refused(2, "jobs")


@pytest.mark.full
def test_every_command_that_ends_has_a_json_option(invoke: Invoke) -> None:
    def commands(*path: str) -> Iterator[tuple[str, ...]]:
        text = invoke(*path, "--help").stdout
        listed = text.partition("Commands:")[2].partition("\n\n")[0].splitlines()
        below = [line.split()[0] for line in listed if re.match(r"  \w", line)]
        for name in below:
            yield from commands(*path, name)
        if not below:
            yield path

    silent = [path for path in commands() if "--json" not in invoke(*path, "--help").stdout]
    assert silent == [("serve",), ("worker",)]


@pytest.mark.full
def test_shell_completion_offers_commands_and_values(unused_port: int) -> None:
    def offered(words: str) -> list[str]:
        completing = {"_PIPPIN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": words}
        done = subprocess.run(
            [Path(sys.executable).with_name("pippin")],
            env=os.environ | completing | {"PIPPIN_URL": f"http://127.0.0.1:{unused_port}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return re.findall(r'^"?([\w-]+)', done.stdout.replace("_arguments '*: :((", ""), re.MULTILINE)

    assert offered("pippin pl") == ["plot"]
    assert offered("pippin jobs --status pau") == ["pausing", "paused"]
    assert offered("pippin new --preset mn") == ["mnist-cnn"]
    assert offered("pippin job ") == ["_files"]  # no service: no error in the middle of a line
