"""`python -m service`: the service under uvicorn, until SIGTERM or Ctrl-C."""

import asyncio
import os
import socket
import sys
import threading
from contextlib import closing
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn
from fastapi import FastAPI

from pippin.blobs import Blobs
from pippin.errors import PippinError
from pippin.local.home import prepare_home
from pippin.settings import Settings, SettingsError
from pippin.store import Store, connect
from pippin.store.token_requirement import require_admin
from pippin.system import logs, tracing
from pippin.system.terminal import printable_lines
from service.app import create_app
from service.http.connection import Connection
from service.http.connection_limits import ConnectionLimits, throttled
from service.security.first_token import check_first_token

_TICK_SECONDS = 0.05
# The time that the shutdown may take in addition to the grace for requests.
_EXIT_SECONDS = 5.0
# Also how many connections asyncio tries to accept in a row, even without descriptors left.
_BACKLOG = 256
# The switch interval of the interpreter. A request passes between threads some ten times; with Python's default of 5 ms
# it waited for 50 ms behind each body that was being parsed.
_SWITCH_SECONDS = 0.001

_log = structlog.stdlib.get_logger("service")


class Server(uvicorn.Server):
    """uvicorn, with a drain period before it stops, and an end of the event streams, which have no end of their own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._warn = throttled(_log.warning, seconds=1)

    @property
    def _app(self) -> FastAPI:
        return cast("FastAPI", self.config.app)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Set `draining` on the first signal, so that `/readyz` answers 503."""
        if not self._app.state.draining:
            self._limit_exit_time(sig)
        self._app.state.draining = True
        super().handle_exit(sig, frame)

    def _handle_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log errors that no task handles. A failing `accept`, hundreds a second, gives one line a second."""
        if isinstance(context.get("exception"), OSError) and "accept" in context["message"]:
            self._app.state.meters.accept_errors.inc()
            self._warn("accepting a connection failed", error=str(context["exception"]))
        else:
            loop.default_exception_handler(context)

    def _limit_exit_time(self, sig: int) -> None:
        """End the process after a time limit: Python would wait for its threads without one."""
        settings: Settings = self._app.state.settings
        seconds = settings.service_drain_seconds + settings.service_grace_seconds + _EXIT_SECONDS

        def end() -> None:
            _log.error("threads are still running; ending the process anyway", seconds=seconds)
            # The exit status that a shell reports for a process ended by a signal.
            os._exit(128 + sig)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and log the address: a port of 0 is chosen only now."""
        asyncio.get_running_loop().set_exception_handler(self._handle_loop_error)
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                self._limit_send_time(listener)
                _log.info("listening", address=listener.getsockname()[:2])

    def _limit_send_time(self, listener: Any) -> None:  # noqa: ANN401 (asyncio's wrapper of a socket)
        """Have the kernel end connections whose client stops reading (Linux). Connections inherit this from a listener.

        Closing does not end them: asyncio first waits, without a limit, until the client has read all buffered data.
        """
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            settings: Settings = cast("FastAPI", self.config.app).state.settings
            milliseconds = int(settings.send_timeout_seconds * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain until proxies have removed this service, then end the streams, then finish the other requests."""
        self._app.state.draining = True
        await self._drain(self._app.state.settings.service_drain_seconds)
        # Listeners first: a client whose stream ends reconnects within a second, and must not reach this service.
        for server in self.servers:
            server.close()
        # uvicorn shuts the application down only after all connections are closed, which a stream would prevent.
        await self._app.state.services.streams.reader.aclose()
        await super().shutdown(sockets)
        # Here, since uvicorn afterwards ends the process by raising the received signal again.
        await asyncio.to_thread(tracing.close)

    async def _drain(self, seconds: float) -> None:
        """Keep answering for `seconds`, or until Ctrl-C follows the first signal."""
        for _ in range(round(seconds / _TICK_SECONDS)):
            if self.force_exit:
                return
            await asyncio.sleep(_TICK_SECONDS)


def server_of(settings: Settings) -> Server:
    """A server that is ready to run."""
    app = create_app(settings)
    app.state.connections = ConnectionLimits(settings, app.state.meters)
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        backlog=_BACKLOG,
        timeout_keep_alive=settings.keep_alive_seconds,
        host=settings.host,
        port=settings.port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.service_grace_seconds,
    )
    return Server(config)


def main() -> int:
    """Run the service.

    Returns:
        The exit code: 2 when the settings cannot be used.
    """
    try:
        settings = Settings()
        logs.configure(settings.log_level, settings.log_format)
        prepare_home(settings.home)
        _check(settings)
    except PippinError as error:
        sys.stderr.write(f"{printable_lines(str(error))}\n")
        return 2
    tracing.configure("pippin-service")
    sys.setswitchinterval(_SWITCH_SECONDS)
    server_of(settings).run()
    return 0


def _check(settings: Settings) -> None:
    """Refuse settings that would otherwise fail during startup with a traceback."""
    if settings.redis_url is None:
        raise SettingsError("PIPPIN_REDIS_URL is not set: the service needs Redis; `pippin up` runs its own")
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
