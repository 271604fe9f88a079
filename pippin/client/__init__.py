"""The typed client of the REST API: `Client`, and `AsyncClient` for asyncio."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pippin.client.answers import Event, JobMetrics
    from pippin.client.asynchronous import AsyncClient
    from pippin.client.errors import DamagedDownloadError, ServiceError, ServiceUnreachable
    from pippin.client.live import LiveJob
    from pippin.client.live_async import AsyncLiveJob
    from pippin.client.sync import Client

__all__ = [
    "AsyncClient",
    "AsyncLiveJob",
    "Client",
    "DamagedDownloadError",
    "Event",
    "JobMetrics",
    "LiveJob",
    "ServiceError",
    "ServiceUnreachable",
]

_MODULES = {
    "AsyncClient": "asynchronous",
    "AsyncLiveJob": "live_async",
    "Client": "sync",
    "DamagedDownloadError": "errors",
    "Event": "answers",
    "JobMetrics": "answers",
    "LiveJob": "live",
    "ServiceError": "errors",
    "ServiceUnreachable": "errors",
}


def __getattr__(name: str) -> object:
    """The names above, imported on first use: a shell's completion needs the connection, and none of the models."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
