"""`python -m service`: the service under uvicorn, until SIGTERM or Ctrl-C."""

import asyncio
import socket
import sys
from contextlib import closing
from typing import cast

import structlog
import uvicorn
from fastapi import FastAPI

from pippin import logs, tracing
from pippin.blobs import Blobs
from pippin.faults import PippinError
from pippin.first_admin import require_admin
from pippin.home import prepare_home
from pippin.settings import Settings, SettingsError
from pippin.store import Store, connect
from service.app import create_app
from service.first_token import check_first_token

# `pippin up` stops everything within 5 s.
_GRACE_SECONDS = 3


class Server(uvicorn.Server):
    """uvicorn, which on its way out tells endless streams to end instead of waiting for them."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where: a port of 0 is chosen only now."""
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                structlog.stdlib.get_logger("service").info("listening", address=listener.getsockname()[:2])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then everything else."""
        # The application hears of the end only when its connections are closed, which a stream would prevent.
        await cast("FastAPI", self.config.app).state.streams.reader.aclose()
        await super().shutdown(sockets)
        # Here, since uvicorn ends the process by the signal that it was told to stop with.
        await asyncio.to_thread(tracing.close)


def server_of(settings: Settings) -> Server:
    """The server, ready to run."""
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return Server(config)


def main() -> int:
    """Serve; 2 when the settings cannot be used."""
    try:
        settings = Settings()
        logs.configure(settings.log_level, settings.log_format)
        prepare_home(settings.home)
        _check(settings)
    except PippinError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    tracing.configure("pippin-service")
    server_of(settings).run()
    return 0


def _check(settings: Settings) -> None:
    """Refuse what would end the service as it starts, with a traceback."""
    if settings.redis_url is None:
        raise SettingsError("PIPPIN_REDIS_URL is not set: the service needs Redis; `pippin up` brings its own")
    if settings.blobs_url.startswith("http"):
        raise SettingsError(
            f"PIPPIN_BLOBS_URL is {settings.blobs_url}, a service: workers may keep files there, the service itself "
            "needs file:///a/folder or s3://bucket/prefix"
        )
    Blobs(settings.blobs_url)
    check_first_token(settings)
    with closing(Store(connect(settings.redis_url.get_secret_value(), retries=0))) as store:
        require_admin(settings, store)


if __name__ == "__main__":
    sys.exit(main())
