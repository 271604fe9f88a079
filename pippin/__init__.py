"""Pippin trains Core ML models as a service; the service, its workers and its users share this package."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pippin.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> object:
    """Import the clients on first use: workers and `pippin --help` need no HTTP library."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pippin import client  # noqa: PLC0415

    return getattr(client, name)
