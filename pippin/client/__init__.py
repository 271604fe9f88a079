"""The typed client of the REST API: `Client`, and `AsyncClient` for asyncio."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pippin.api.events import Event
    from pippin.api.metrics import JobMetrics
    from pippin.client.asynchronous.client import AsyncClient
    from pippin.client.asynchronous.job import AsyncLiveJob
    from pippin.client.errors import DamagedDownloadError, ServiceError, ServiceUnreachable
    from pippin.client.sync.client import Client
    from pippin.client.sync.job import LiveJob

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
    "AsyncClient": "client.asynchronous.client",
    "AsyncLiveJob": "client.asynchronous.job",
    "Client": "client.sync.client",
    "DamagedDownloadError": "client.errors",
    "Event": "api.events",
    "JobMetrics": "api.metrics",
    "LiveJob": "client.sync.job",
    "ServiceError": "client.errors",
    "ServiceUnreachable": "client.errors",
}


def __getattr__(name: str) -> object:
    """Import the names above on first use: shell completion needs the errors, but none of the models."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"pippin.{_MODULES[name]}"), name)
