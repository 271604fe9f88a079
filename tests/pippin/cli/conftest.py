import json
import os
import pty
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen
from typing import Any, Self

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from pippin.cli.app import app
from pippin.cli.doctor.findings import ok
from tests.conftest import Up
from tests.support.processes import pippin


class Invoke:
    """Runs command lines in this process: `invoke("jobs", "--json", stdin="…")`."""

    def __call__(self, *arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    def ok(self, *arguments: object, stdin: str | None = None) -> str:
        """The stdout of a command that succeeds."""
        done = self(*arguments, stdin=stdin)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *arguments: object, stdin: str | None = None) -> Any:  # noqa: ANN401 - any document
        """The document that a command prints with `--json` when it succeeds."""
        return json.loads(self.ok(*arguments, "--json", stdin=stdin))

    def refused(self, code: int, *arguments: object, stdin: str | None = None) -> str:
        """The stderr of a command that ends with this exit code."""
        done = self(*arguments, stdin=stdin)
        assert done.exit_code == code, done.output
        return done.stderr


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.delenv("PIPPIN_HOME", raising=False)
    # Typer takes longer to assemble the command than most commands take to run.
    monkeypatch.setattr("typer.testing._get_command", _COMMANDS.__getitem__)
    return Invoke()


_COMMANDS = {app: get_command(app)}


@pytest.fixture
def with_service(invoke: Invoke, running_up: Up, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """`invoke` for commands that ask the running service."""
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    return invoke


class Processes:
    """Runs `pippin` in processes that ask one service; keywords are variables of the environment."""

    def __init__(self, url: str, folder: Path) -> None:
        self._environment = os.environ | {"PIPPIN_URL": url}
        self._folder = folder

    def start(self, *arguments: object, terminal: int | None = None, **variables: str) -> Popen[str]:
        """Start a process, with pipes or at a terminal."""
        streams = PIPE if terminal is None else terminal
        return Popen(
            pippin(*arguments),
            env=self._environment | variables,
            cwd=self._folder,
            stdin=terminal,
            stdout=streams,
            stderr=streams,
            text=True,
        )

    def run(self, *arguments: object, stdout: int = PIPE, **variables: str) -> CompletedProcess[str]:
        return self.run_line(pippin(*arguments), stdout=stdout, **variables)

    def run_line(self, line: list[str], *, stdout: int = PIPE, **variables: str) -> CompletedProcess[str]:
        """Run another command line in the same environment."""
        return subprocess.run(
            line,
            env=self._environment | variables,
            cwd=self._folder,
            stdout=stdout,
            stderr=PIPE,
            text=True,
            check=False,
        )


@pytest.fixture
def processes(running_up: Up, tmp_path: Path) -> Processes:
    return Processes(running_up.url, tmp_path)


class Terminal:
    """A process at a pseudo-terminal of 150 columns; `shown` is its output so far."""

    def __init__(self, processes: Processes, *arguments: object) -> None:
        self._reading, writing = pty.openpty()
        size = {"TERM": "xterm-256color", "COLUMNS": "150", "LINES": "24"}
        self.process = processes.start(*arguments, terminal=writing, **size)
        os.close(writing)
        self._output = b""

    @property
    def shown(self) -> str:
        return self._output.decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._reading)

    def read_until(self, text: str, count: int = 1) -> None:
        """Read until the text has appeared `count` times."""
        while self.shown.count(text) < count:
            assert self._read(), self.shown

    def end(self) -> int:
        """Read to the end; the exit code of the process."""
        while self._read():
            pass
        return self.process.wait(60)

    def _read(self) -> bool:
        try:
            chunk = os.read(self._reading, 65_536)
        except OSError:
            # Linux raises EIO at the end of a pseudo-terminal.
            return False
        self._output += chunk
        return bool(chunk)


@pytest.fixture
def without_engine_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the doctor's check of the engines, which imports JAX in another process."""
    monkeypatch.setattr("pippin.cli.doctor.examination.check_engines", lambda: ok("engines", "jax"))


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port without a listener while the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


JOB = """\
# A small model on the packaged digits.
name: small
labels: {team: cli}
model:
  spec:
    inputs: [{name: image, shape: [1, 28, 28]}]
    outputs: [{name: digit, shape: [10]}]
    layers:
      - {type: flatten, name: flat}
      - {type: inner_product, name: dense, output_channels: 10, updatable: true}
      - {type: softmax, name: softmax}
    loss: {type: categorical_cross_entropy}
    optimizer: {type: sgd, learning_rate: 1e-1, mini_batch_size: 100}
    epochs: {default: 3, max: 100000}
dataset: mnist-sample
hyperparameters: {seed: 7}
"""


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    """A file that holds JOB."""
    file = tmp_path / "job.yaml"
    file.write_text(JOB)
    return file


@pytest.fixture(scope="session")
def followed(running_up: Up) -> list[dict[str, Any]]:
    """The lines of `submit --follow --json` for JOB, which has succeeded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIPPIN_URL", running_up.url)
        return [json.loads(line) for line in Invoke().ok("submit", "-", "--follow", "--json", stdin=JOB).splitlines()]


@pytest.fixture(scope="session")
def finished(followed: list[dict[str, Any]]) -> dict[str, Any]:
    """JOB after its success, as `pippin job --json` shows it."""
    return followed[-1]
