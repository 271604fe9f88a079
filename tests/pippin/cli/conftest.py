import socket
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from pippin.cli.app import app


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command line in this process: `invoke("jobs", "--json", stdin="…")`."""
    monkeypatch.delenv("PIPPIN_HOME", raising=False)

    def run(*arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return run


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port without a listener while the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
