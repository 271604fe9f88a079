"""The attacked service, and the clients of the attackers."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx2
from redis import Redis

from pippin.store import Store, connect
from tests.support.service_process import ServiceProcess

# Clients on other addresses of the loopback range are other clients to the service.
ATTACKER = "127.0.0.2"
_SAMPLE_SECONDS = 0.02
# The default limit of most systems.
_DESCRIPTORS = 1024


class Target:
    """A service with two tenants, while its `with` block lasts.

    Attributes:
        service: Its process.
        redis: A client of its Redis with all permissions.
        store: A `Store` on the same Redis.
        reader: A token of the attackers' tenant that may only read.
        submitter: A token of the attackers' tenant that may submit.
        bystander: A token of the other tenant.
        peak_bytes: The most memory that the service has held so far.
    """

    def __init__(self, home: Path, **settings: object) -> None:
        self.service = ServiceProcess(home, descriptors=_DESCRIPTORS, **settings)
        self.peak_bytes = 0
        self._over = threading.Event()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self.service)
        self.service.wait_for_sample()
        self.redis: Redis = connect(self.service.valkey.url)
        self.store = Store(self.redis)
        self._open.callback(self.store.close)
        self.reader = self.service.add_token("read", tenant="attackers")
        self.submitter = self.service.add_token("submit", tenant="attackers")
        self.bystander = self.service.add_token("submit", tenant="bystanders")
        sampler = threading.Thread(target=self._sample)
        sampler.start()
        self._open.callback(sampler.join)
        self._open.callback(self._over.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def client(self, token: str) -> httpx2.Client:
        """A client that connects from the attackers' address."""
        transport = httpx2.HTTPTransport(local_address=ATTACKER, limits=httpx2.Limits(max_connections=200))
        return httpx2.Client(
            base_url=self.service.url,
            headers={"authorization": f"Bearer {token}"},
            timeout=120,
            transport=transport,
        )

    @property
    def redis_bytes(self) -> int:
        return int(self.redis.info("memory")["used_memory"])

    def settle(self) -> None:
        """Wait until the service answers quickly, so that one attack does not affect the figures of the next."""
        deadline = time.monotonic() + 120
        with httpx2.Client(base_url=self.service.url, timeout=120, trust_env=False) as http:
            quick = 0
            while quick < 3 and time.monotonic() < deadline:
                began = time.monotonic()
                http.get("/healthz")
                quick = quick + 1 if time.monotonic() - began < 0.1 else 0

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            if self.service.is_alive:
                self.peak_bytes = max(self.peak_bytes, self.service.resident_bytes)
