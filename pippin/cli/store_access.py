"""Opens the service's store, for commands that access Redis directly and not through the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pippin.cli.errors import CommandError, Exit

if TYPE_CHECKING:
    from pippin.settings import Settings
    from pippin.store import Store

WHERE = "Set PIPPIN_REDIS_URL to the service's value, or start `pippin up` on this machine with the same PIPPIN_HOME."


@contextmanager
def opened_store() -> Iterator["Store"]:
    """Open the service's store: the Redis in the settings, else the embedded server of `pippin up` on this machine."""
    from pippin.local.valkey import running_url
    from pippin.settings import Settings

    settings = Settings()
    url = settings.redis_url.get_secret_value() if settings.redis_url else running_url(settings.home)
    if url is None:
        raise CommandError(Exit.UNREACHABLE, "The address of Redis is not configured.", now=WHERE)
    with _store(url) as store:
        yield store


@contextmanager
def opened_redis(settings: "Settings") -> Iterator[tuple[str, "Store"]]:
    """Yield the address of Redis and its store; the embedded server, if needed and not running, runs for the block."""
    from pippin.local.valkey import EmbeddedValkey, running_url

    if settings.redis_url is not None:
        url = settings.redis_url.get_secret_value()
        with _store(url) as store:
            yield url, store
        return
    running = running_url(settings.home)
    if running is not None and _answers(running):
        with _store(running) as store:
            yield running, store
        return
    with (
        EmbeddedValkey(settings.home, max_memory_bytes=settings.max_memory_bytes) as server,
        _store(server.url) as store,
    ):
        yield server.url, store


@contextmanager
def _store(url: str) -> Iterator["Store"]:
    from pippin.store import Store, StoreUnavailable, connect

    # Without retries: an error is shown at once at a terminal.
    store = Store(connect(url, retries=0))
    try:
        yield store
    except StoreUnavailable as error:
        raise CommandError(Exit.UNREACHABLE, f"{error}.", now=WHERE) from error
    finally:
        store.close()


def _answers(url: str) -> bool:
    from pippin.store import Store, StoreUnavailable, connect

    store = Store(connect(url, retries=0))
    try:
        store.ping()
    except StoreUnavailable:
        return False
    finally:
        store.close()
    return True
