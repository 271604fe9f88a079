"""The typed client of the REST API: `Client`, and `AsyncClient` for asyncio."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pippin.api.events import Event
    from pippin.api.metrics import JobMetrics
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
    "AsyncClient": "client.asynchronous",
    "AsyncLiveJob": "client.live_async",
    "Client": "client.sync",
    "DamagedDownloadError": "client.errors",
    "Event": "api.events",
    "JobMetrics": "api.metrics",
    "LiveJob": "client.live",
    "ServiceError": "client.errors",
    "ServiceUnreachable": "client.errors",
}


def __getattr__(name: str) -> object:
    """The names above, imported on first use: a shell's completion needs the connection, and none of the models."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"pippin.{_MODULES[name]}"), name)
