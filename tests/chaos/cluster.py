"""A whole Pippin of real processes, each of which may be killed at any time and is then restarted."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx2

from pippin.client import Client
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect
from tests.chaos import processes
from tests.chaos.blob_proxy import BlobProxy
from tests.support.environment import clean_environment
from tests.support.paths import ROOT
from tests.support.waiting import wait_for

_MARK = "CHAOS_CLUSTER"
_LOOK_SECONDS = 0.05


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Member:
    """A process of the cluster, restarted whenever it has ended, unless it is held down."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.restarts = -1
        self.held_down = False
        self._command = command
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def keep(self) -> None:
        """Start it unless it runs or is held down."""
        if self.held_down or (self._process is not None and self._process.poll() is None):
            return
        self.restarts += 1
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def kill(self, *, hold_down: bool = False) -> None:
        """Kill it and wait for its end; with `hold_down` it is not restarted."""
        self.held_down = hold_down
        assert self._process is not None
        process = self._process
        process.kill()
        process.wait()

    def end(self) -> int | None:
        """Terminate it; its exit code, 0 if it was down already, None if it had to be killed."""
        if self._process is None or self._process.poll() is not None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return None


class Cluster:
    """Valkey, interchangeable services and workers in one folder, with a thread that restarts ended processes.

    Attributes:
        home: PIPPIN_HOME of all of them.
        blobs: The proxy through which the workers reach the blobs; None when they share the services' folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        services: int = 1,
        epoch_seconds: float = 0.25,
        failing_blobs: float | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Describe the cluster; nothing runs yet.

        Args:
            folder: An empty folder for everything that the processes write.
            workers: How many workers.
            services: How many services.
            epoch_seconds: How long a training sleeps after an epoch.
            failing_blobs: The share of calls of workers to the blob store that fail; None lets them share its folder.
            seed: Decides which of those calls fail.
            settings: Pippin's settings, as `{"lease_seconds": 3}`.
        """
        self.home = folder / "home"
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self._mark = secrets.token_hex(8)
        self.valkey = EmbeddedValkey(self.home)
        self.valkey_restarts = 0
        self._keeping = threading.Lock()
        self._away = False
        self._over = threading.Event()
        self._up = threading.Event()
        self._trouble: list[str] = []
        self._thread = threading.Thread(target=self._keep_all, name="keeper")
        ports = [free_port() for _ in range(services)]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.blobs = None if failing_blobs is None else BlobProxy(ports[0], share=failing_blobs, seed=seed)
        self._settings = {f"PIPPIN_{name.upper()}": str(value) for name, value in (settings or {}).items()}
        self._epoch_seconds = epoch_seconds
        self._folder = folder
        self._ports = ports
        self._worker_count = workers
        self.services: list[Member] = []
        self.workers: list[Member] = []
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self.blobs is not None:
                stack.enter_context(self.blobs)
            stack.callback(self._end)
            self._thread.start()
            self._up.wait(60)
            self.wait_until_ready()
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def client(self, number: int = 0, patience: float = 120, token: str | None = None) -> Client:
        """A client of a service that retries through faults."""
        return Client(self.urls[number], token=token, patience=patience, follow_patience=patience)

    def store(self) -> Store:
        return Store(connect(self.valkey.url))

    def wait_until_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        for url in self.urls:
            while not self._is_ready(url):
                if time.monotonic() > deadline or self._trouble:
                    raise AssertionError(f"{url} is not ready; {self._trouble}; {self.services[0].log[-2000:]}")
                time.sleep(0.05)

    @property
    def records(self) -> Path:
        """The folder of Valkey's append-only file, which holds every acknowledged write."""
        return self.home / "valkey" / "appendonlydir"

    def worker_of(self, name: str) -> Member:
        """The worker whose full name in the attempts is `name`."""
        return next(each for each in self.workers if name.startswith(f"{each.name}-"))

    def kill_valkey(self, away: float = 0, *, restore: Path | None = None) -> None:
        """End Valkey with SIGKILL, restart it after `away` seconds, and wait until it runs.

        Args:
            away: Seconds.
            restore: A copy of `records` that replaces what Valkey had on disk.
        """
        with self._keeping:
            self._away = True
            assert self.valkey.pid is not None
            processes.send(self.valkey.pid, signal.SIGKILL)
            if restore is not None:
                shutil.rmtree(self.records)
                shutil.copytree(restore, self.records)
        time.sleep(away)
        restarts = self.valkey_restarts
        self._away = False
        wait_for(lambda: self.valkey_restarts != restarts, "Valkey does not start again")

    def freeze_valkey(self, seconds: float) -> None:
        """Stop Valkey with SIGSTOP for so long: connections stay open and get no answers."""
        pid = self.valkey.pid
        assert pid is not None
        processes.send(pid, signal.SIGSTOP)
        time.sleep(seconds)
        processes.send(pid, signal.SIGCONT)

    def damage_cache(self, *, in_place: bool) -> int:
        """Invert the second half of every cached file; returns the number of files.

        Args:
            in_place: Whether processes with a mapped file see the damage too. Else a damaged copy replaces the file.
        """
        damaged = 0
        for path in (self.home / "cache" / "blobs").glob("[0-9a-f]*"):
            content = bytearray(path.read_bytes())
            middle = len(content) // 2
            content[middle:] = bytes(255 - byte for byte in content[middle:])
            copy = path if in_place else self._folder / path.name
            with copy.open("r+b" if in_place else "wb") as file:
                file.write(content)
            copy.replace(path)
            damaged += 1
        return damaged

    def remains(self) -> list[str]:
        """Leftovers after the end: processes, temporary files, and processes that did not stop on request."""
        left = [*self._trouble]
        left += [f"process {pid}: {command}" for pid, command in processes.gone(_MARK, self._mark, 5).items()]
        left += [f"file {path}" for path in self._temporary.rglob("*")]
        # Staged by obstore (`name#1`), fetched into the cache, or uploaded.
        staged = [
            *self.home.rglob("*#[0-9]*"),
            *(path for path in self.home.rglob(".*") if path.name != ".used"),
            *self.home.glob("uploads/*"),
        ]
        return left + [f"file {path}" for path in staged]

    def _environment(self, **more: str) -> dict[str, str]:
        own = {
            "PIPPIN_HOME": str(self.home),
            "PIPPIN_REDIS_URL": self.valkey.url,
            "PIPPIN_WORKER_THREADS": "1",
            "CHAOS_EPOCH_SECONDS": str(self._epoch_seconds),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self._temporary),
            _MARK: self._mark,
        }
        return clean_environment(**own | self._settings | more)

    def _members(self) -> None:
        for number, port in enumerate(self._ports, 1):
            log = self._folder / f"service{number}.log"
            environment = self._environment(PIPPIN_PORT=str(port))
            command = [sys.executable, "-P", "-m", "service"]
            self.services.append(Member(f"service{number}", command, environment, log))
        far = {} if self.blobs is None else {"PIPPIN_BLOBS_URL": self.blobs.url}
        for number in range(1, self._worker_count + 1):
            name = f"w{number}"
            command = [sys.executable, "-m", "tests.chaos.paced_worker", "--name", name]
            self.workers.append(Member(name, command, self._environment(**far), self._folder / f"{name}.log"))

    def _keep_all(self) -> None:
        # Valkey ends with the thread that started it, so this thread starts everything and lives as long.
        try:
            os.environ[_MARK] = self._mark  # Valkey inherits this environment
            self.valkey.start()
            self._members()
            self._up.set()
            while not self._over.wait(_LOOK_SECONDS):
                with self._keeping:
                    if self.valkey.pid is None and not self._away:
                        self.valkey.start()
                        self.valkey_restarts += 1
                for member in [*self.services, *self.workers]:
                    member.keep()
            # Workers first: they hand back their jobs.
            for member in [*self.workers, *self.services]:
                code = member.end()
                # A process that has just been restarted may have no signal handler yet.
                if code not in {0, -signal.SIGTERM}:
                    self._trouble.append(f"{member.name} ended with {code} when it was told to stop")
        except BaseException as error:
            self._trouble.append(repr(error))
            raise
        finally:
            self.valkey.stop()
            os.environ.pop(_MARK, None)
            self._up.set()

    def _end(self) -> None:
        self._over.set()
        self._thread.join()

    @staticmethod
    def _is_ready(url: str) -> bool:
        try:
            return bool(httpx2.get(f"{url}/readyz", timeout=5, trust_env=False).is_success)
        except httpx2.TransportError:
            return False
