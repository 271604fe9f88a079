"""The typed client of the REST API: `Client`, and `AsyncClient` for asyncio."""

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
