"""All of Pippin on this machine, as `pippin up` runs it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from pippin.client import AsyncClient, ServiceError, ServiceUnreachable
from pippin.embedded import EmbeddedValkey
from pippin.home import HomeLock, prepare_home
from pippin.settings import Settings
from pippin.supervisor.coreml import has_coreml
from pippin.supervisor.keeper import Say
from pippin.supervisor.part import Part
from pippin.supervisor.parts import parts
from pippin.supervisor.ports import usable
from pippin.supervisor.server import ServerKeeper
from pippin.supervisor.supervisor import Supervisor

_LOOK_EVERY = 0.25


@dataclass(frozen=True)
class Ready:
    """What can be used once all runs.

    Attributes:
        url: Where the service is reached from this machine.
        home: Where the data is.
    """

    url: str
    home: Path


def up(
    settings: Settings,
    workers: int,
    say: Say,
    ready: Callable[[Ready], None],
    coreml: Callable[[Say], bool] = has_coreml,
) -> None:
    """Runs the embedded server (unless the settings name a Redis), the service and the workers until told to stop.

    On a Mac a worker that trains with Core ML runs beside the others.

    Args:
        settings: As from the environment and the command line; a port of 0 takes a free one.
        workers: How many workers train with JAX; 0 runs none at all.
        say: Takes every line of the parts' output, and who says it.
        ready: Called once, when the service answers and a worker of ours is alive.
        coreml: Whether this machine can train with Core ML.

    Raises:
        PippinError: Something is in the way; nothing was started.
    """
    settings = settings.model_copy(update={"port": usable(settings.host, settings.port)})
    with _home(settings):
        also_coreml = workers > 0 and coreml(say)
        asyncio.run(_up(settings, workers, say, ready, coreml=also_coreml))


@contextmanager
def _home(settings: Settings) -> Iterator[None]:
    """Holds PIPPIN_HOME for the block; the embedded server brings its own hold on it."""
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


async def _up(settings: Settings, workers: int, say: Say, ready: Callable[[Ready], None], *, coreml: bool) -> None:
    server = None
    if settings.redis_url is None:
        server = ServerKeeper(EmbeddedValkey(settings.home, max_memory_bytes=settings.max_memory_bytes), say)

    def all_parts(address: str | None) -> list[Part]:
        known = settings if address is None else settings.model_copy(update={"redis_url": SecretStr(address)})
        return parts(known, workers, coreml=coreml)

    supervisor = Supervisor(server, all_parts, say)
    url = _url(settings)

    async def announce() -> None:
        async with AsyncClient(url, patience=0) as client:
            while True:
                if await _is_ready(client, supervisor.pids, workers):
                    break
                await asyncio.sleep(_LOOK_EVERY)
        ready(Ready(url, settings.home))

    await supervisor.run(announce)


async def _is_ready(client: AsyncClient, pids: frozenset[int], workers: int) -> bool:
    """Whether the service can do its work, and one of our workers, if there are any, waits for some."""
    try:
        if not await client.is_ready():
            return False
        return not workers or any(each.pid in pids and each.state != "starting" for each in await client.workers())
    except (ServiceError, ServiceUnreachable):
        return False


def _url(settings: Settings) -> str:
    """The service's address for this machine: one that listens on all addresses listens on loopback too."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
