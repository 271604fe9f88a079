"""The service as a process of its own beside a Valkey, for tests that may end it or measure it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Queue
from typing import Self

import httpx2

from pippin.api.tokens import DEFAULT_TENANT, Role, issue, parse
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect


class ServiceProcess:
    """A service and the embedded server that it keeps its records in. Use it as a context manager.

    Attributes:
        valkey: The server.
        log: What the service has printed so far, line by line.
        url: Where it answers, from its start on.
    """

    def __init__(self, home: Path, *, descriptors: int | None = None, **settings: object) -> None:
        """Describe it; nothing runs yet.

        Args:
            home: A folder for its data.
            descriptors: How many files and connections the system lets it open; None leaves that as it is here.
            settings: By their names in lower case: `max_body_bytes=1000`.
        """
        self.valkey = EmbeddedValkey(home)
        self.log: list[str] = []
        self.url = ""
        self._home = home
        self._limited = [] if descriptors is None else ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors)]
        self._settings = {f"PIPPIN_{name.upper()}": str(value) for name, value in settings.items()}
        self._listening: Queue[str] = Queue()

    def __enter__(self) -> Self:
        self.valkey.start()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PIPPIN_")}
        own = {"PIPPIN_HOME": str(self._home), "PIPPIN_REDIS_URL": self.valkey.url, "PIPPIN_PORT": "0"}
        self._process = subprocess.Popen(
            [*self._limited, sys.executable, "-P", "-m", "service"],
            env=inherited | own | self._settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self.url = self._listening.get(timeout=120)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self.valkey.stop()

    def wait_for_sample(self) -> None:
        """Come back once the packaged dataset is there, which the service stores when it starts."""
        deadline = time.monotonic() + 60
        with httpx2.Client(base_url=self.url, timeout=60) as http:
            while http.get("/datasets/mnist-sample").status_code != httpx2.codes.OK:
                assert time.monotonic() < deadline, "".join(self.log)
                time.sleep(0.05)

    def add_token(self, role: Role, *, tenant: str = DEFAULT_TENANT) -> str:
        """Make a token. From the first one on the service requires one (of the workers alone, if that is its role)."""
        made = issue(role, "test", tenant=tenant)
        store = Store(connect(self.valkey.url))
        store.tokens.add(made)
        store.close()
        return made.text

    def revoke_token(self, text: str) -> None:
        """Revoke a token that `add_token` made."""
        token = parse(text)
        assert token is not None
        store = Store(connect(self.valkey.url))
        store.tokens.revoke(token.id)
        store.close()

    @property
    def open_files(self) -> int:
        """How many files and connections it has open (Linux)."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def resident_bytes(self) -> int:
        """The memory that it has in use (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.log.append(line)
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("event") == "listening":
                    host, port = entry["address"]
                    self._listening.put(f"http://{host}:{port}")
