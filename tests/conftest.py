"""Fixtures that all tests share.

One real Valkey server for the whole run, emptied before each test that uses it; and a whole `pippin up` for
tests that need all parts.
"""

import fcntl
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect
from tests.support.environment import clean_environment
from tests.support.paths import ROOT

# Each collection visits every object of JAX, coremltools and pydantic; with Python's own thresholds collections take a
# fifth of the suite's time.
gc.set_threshold(200_000, 50, 1000)

# A deadline for each example would fail on a busy machine.
hypothesis.settings.register_profile("thorough", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=25)
hypothesis.settings.load_profile("thorough")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for the number of fuzz cases and the folder of screenshots."""
    parser.addoption("--fuzz-cases", type=int, default=100, help="how many broken models and specs are sent")
    parser.addoption("--screenshots", help="a folder to keep pictures of the dashboard in")


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Print a failure when it happens, so that a run that is cut off has shown it."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else report.longreprtext
        sys.stdout.write(f"\n{report.when} of {report.nodeid} failed: {message}\n")
        sys.stdout.flush()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A server as `pippin up` starts it, except that no write waits for the disk."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey-home")) as server:
        with connect(server.url) as client:
            client.config_set("appendfsync", "no")
        yield server


@pytest.fixture
def valkey_url(valkey_server: EmbeddedValkey) -> str:
    """The address of the emptied server."""
    client = connect(valkey_server.url)
    client.flushall()
    client.close()
    return valkey_server.url


@pytest.fixture
def store(valkey_url: str) -> Iterator[Store]:
    """A store on the empty server."""
    opened = Store(connect(valkey_url))
    yield opened
    opened.close()


class Up:
    """A separate `pippin up` on a free port.

    Attributes:
        url: The address of its service.
        home: Its data folder.
        log: Its stderr so far, by line.
        process: The supervisor process.
    """

    def __init__(self, home: Path, *options: str, redis_url: str | None = None) -> None:
        self.home = home
        self.log: list[str] = []
        environment = clean_environment()
        if redis_url:
            environment["PIPPIN_REDIS_URL"] = redis_url
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pippin", "up", "--json", "--port", "0", "--home", str(home), *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,))
        self._reader.start()
        try:
            readable, _, _ = select.select([self.process.stdout], [], [], 240)
            ready = json.loads((readable and self.process.stdout.readline()) or "null")
            assert ready, "".join(self.log)
        except BaseException:
            self.end()
            raise
        self.url = str(ready["url"])

    def _read(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.log.append(line)

    def parts(self) -> dict[str, int]:
        """The process ids of its parts: valkey, service, worker."""
        listed = subprocess.run(["ps", "-Aww", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True)
        pids = {}
        for line in listed.stdout.splitlines():
            pid, parent, arguments = line.split(maxsplit=2)
            for name, word in (("valkey", "valkey-server"), ("service", "-m service"), ("worker", "-m worker")):
                if int(parent) == self.process.pid and word in arguments and "-c" not in arguments.split():
                    pids[name] = int(pid)
        return pids

    def end(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """End the supervisor if it still runs, and wait until it has exited."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts `pippin up`: `start_up("--workers", "2", home=folder)`; it ends with the test."""
    started: list[Up] = []

    def start(*options: str, home: Path | None = None, redis_url: str | None = None) -> Up:
        started.append(Up(home or tmp_path / "home", *options, redis_url=redis_url))
        return started[-1]

    yield start
    for up in started:
        up.end()


@pytest.fixture(scope="session")
def running_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One `pippin up` with a worker, for all tests that do not restart or damage it."""
    up = Up(tmp_path_factory.mktemp("up") / "home")
    yield up
    up.end()


@pytest.fixture(scope="session")
def client_tools() -> Path:
    """A folder with client generators and type checkers, in `bin` and `node_modules/.bin`.

    Where they cannot be installed, CI fails, and other runs skip the tests that need them.
    """
    folder = ROOT / ".venv-clients"
    command = ["make", f"{folder.name}/.ready", f"PYTHON={sys.executable}"]
    # pytest workers of one run install into the same folder.
    with (ROOT / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    if installed.returncode:
        reason = f"the generators of clients cannot be installed: {(installed.stdout + installed.stderr)[-1500:]}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return folder
