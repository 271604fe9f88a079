"""Runs all of Pippin on this machine, for `pippin up`."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from pippin.client import AsyncClient, ServiceUnreachable
from pippin.errors import PippinError
from pippin.local.home import HomeLock, prepare_home
from pippin.local.keeper import ServerKeeper
from pippin.local.parts import Part, PrintLine, has_coreml, parts
from pippin.local.supervisor import Supervisor
from pippin.local.valkey import EmbeddedValkey
from pippin.settings import Settings
from pippin.store import Store, StoreUnavailable, connect
from pippin.store.token_requirement import require_admin

_POLL_SECONDS = 0.25
_PORT_FAULTS = {
    errno.EADDRINUSE: "it is in use. Stop the program that listens there, or choose another port with --port (0 "
    "selects a free one).",
    errno.EACCES: "this user may not listen there. Choose a port above 1023 with --port (0 selects a free one).",
    errno.EADDRNOTAVAIL: "this machine does not have that address. Use --host 127.0.0.1, which always works.",
}


class SupervisorError(PippinError):
    """`pippin up` cannot start here; nothing was started."""


@dataclass(frozen=True)
class Ready:
    """What `pippin up` reports once all parts are ready.

    Attributes:
        url: The address at which this machine reaches the service.
        home: The folder of all data.
    """

    url: str
    home: Path


def up(
    settings: Settings,
    workers: int,
    print_line: PrintLine,
    ready: Callable[[Ready], None],
    coreml: Callable[[PrintLine], bool] = has_coreml,
) -> None:
    """Run the embedded server (unless the settings name a Redis), the service and the workers until a signal arrives.

    On a Mac, one more worker trains with Core ML.

    Args:
        settings: From the environment and the command line; port 0 stands for a free port.
        workers: How many workers train with JAX; 0 runs no worker at all.
        print_line: Prints each line of the parts' output.
        ready: Called once, when the service responds and one of these workers is alive.
        coreml: Returns whether this machine can train with Core ML.

    Raises:
        PippinError: The parts cannot be started; no part was started.
    """
    settings = settings.model_copy(update={"port": usable_port(settings.host, settings.port)})
    with _home(settings):
        also_coreml = workers > 0 and coreml(print_line)
        asyncio.run(_up(settings, workers, print_line, ready, coreml=also_coreml))


@contextmanager
def _home(settings: Settings) -> Iterator[None]:
    """Hold the lock of PIPPIN_HOME for the block; an embedded server acquires the lock itself."""
    if settings.redis_url is None:
        yield
        return
    prepare_home(settings.home)
    lock = HomeLock(settings.home)
    lock.acquire(leftover=lambda: None, seconds=0)
    try:
        yield
    finally:
        lock.release()


async def _up(
    settings: Settings, workers: int, print_line: PrintLine, ready: Callable[[Ready], None], *, coreml: bool
) -> None:
    embedded = None
    if settings.redis_url is None:
        embedded = EmbeddedValkey(settings.home, max_memory_bytes=settings.max_memory_bytes)

    def current_settings() -> Settings:
        """The settings, with the address of the embedded server once it runs."""
        if embedded is None:
            return settings
        addresses = {"redis_url": SecretStr(embedded.url), "worker_redis_url": SecretStr(embedded.worker_url)}
        return settings.model_copy(update=addresses)

    def all_parts(_: str | None) -> list[Part]:
        with _store(current_settings()) as store:
            require_admin(settings, store)
        return parts(current_settings(), workers, coreml=coreml)

    supervisor = Supervisor(ServerKeeper(embedded, print_line) if embedded else None, all_parts, print_line)
    url = _url(settings)

    async def announce() -> None:
        # Without a token: `/readyz` requires none, and the list of workers is read from Redis.
        async with AsyncClient(url, token="", patience=0) as client:
            with _store(current_settings()) as store:
                while True:
                    if await _is_ready(client, store, supervisor.pids, workers):
                        break
                    await asyncio.sleep(_POLL_SECONDS)
        ready(Ready(url, settings.home))

    await supervisor.run(announce)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    assert settings.redis_url is not None
    with closing(Store(connect(settings.redis_url.get_secret_value(), retries=0))) as store:
        yield store


async def _is_ready(client: AsyncClient, store: Store, pids: frozenset[int], workers: int) -> bool:
    """Whether the service is ready and, if there are workers, one of them is ready too."""
    try:
        if not await client.is_ready():
            return False
        alive = await asyncio.to_thread(store.workers.all) if workers else []
    except (ServiceUnreachable, StoreUnavailable):
        return False
    return not workers or any(worker.pid in pids and worker.state != "starting" for worker in alive)


def _url(settings: Settings) -> str:
    """The address at which this machine reaches the service: loopback if the service listens on all addresses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def usable_port(host: str, port: int) -> int:
    """Return `port` if the service can listen on it; for 0, return a free port.

    Raises:
        SupervisorError: The service cannot listen on `port`.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the service does: connections of an earlier process in TIME_WAIT do not block the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        reason = _PORT_FAULTS.get(error.errno or 0, f"{error.strerror}. Use --host 127.0.0.1, which always works.")
        raise SupervisorError(f"Port {port} of {host} cannot be used: {reason}") from error
