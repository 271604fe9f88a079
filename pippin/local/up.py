"""All of Pippin on this machine, as `pippin up` runs it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from pippin.client import AsyncClient, ServiceUnreachable
from pippin.local.coreml import has_coreml
from pippin.local.home import HomeLock, prepare_home
from pippin.local.keeper import Say
from pippin.local.part import Part
from pippin.local.parts import parts
from pippin.local.ports import usable
from pippin.local.server import ServerKeeper
from pippin.local.supervisor import Supervisor
from pippin.local.valkey import EmbeddedValkey
from pippin.settings import Settings
from pippin.store import Store, StoreUnavailable, connect
from pippin.store.token_requirement import require_admin

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
    embedded = None
    if settings.redis_url is None:
        embedded = EmbeddedValkey(settings.home, max_memory_bytes=settings.max_memory_bytes)

    def known() -> Settings:
        """The settings with the address of Redis, once that runs."""
        if embedded is None:
            return settings
        addresses = {"redis_url": SecretStr(embedded.url), "worker_redis_url": SecretStr(embedded.worker_url)}
        return settings.model_copy(update=addresses)

    def all_parts(_: str | None) -> list[Part]:
        with _store(known()) as store:
            require_admin(settings, store)
        return parts(known(), workers, coreml=coreml)

    supervisor = Supervisor(ServerKeeper(embedded, say) if embedded else None, all_parts, say)
    url = _url(settings)

    async def announce() -> None:
        # Without a token: whether a service is ready is told to everybody, and our workers are found in Redis.
        async with AsyncClient(url, token="", patience=0) as client:
            with _store(known()) as store:
                while True:
                    if await _is_ready(client, store, supervisor.pids, workers):
                        break
                    await asyncio.sleep(_LOOK_EVERY)
        ready(Ready(url, settings.home))

    await supervisor.run(announce)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    assert settings.redis_url is not None
    with closing(Store(connect(settings.redis_url.get_secret_value(), retries=0))) as store:
        yield store


async def _is_ready(client: AsyncClient, store: Store, pids: frozenset[int], workers: int) -> bool:
    """Whether the service can do its work, and one of our workers, if there are any, waits for some."""
    try:
        if not await client.is_ready():
            return False
        alive = await asyncio.to_thread(store.workers.all) if workers else []
    except (ServiceUnreachable, StoreUnavailable):
        return False
    return not workers or any(each.pid in pids and each.state != "starting" for each in alive)


def _url(settings: Settings) -> str:
    """The service's address for this machine: one that listens on all addresses listens on loopback too."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
