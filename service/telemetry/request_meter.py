"""Counts requests and how long their answers take to begin."""

import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.telemetry.meters import Meters

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# One series for whatever is asked for, or anybody could make a million of them.
_UNMATCHED, _OTHER = "unmatched", "other"


class RequestMeter:
    """Middleware, the outermost: it counts what really leaves."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else _OTHER

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = _template(scope)
                self._meters.requests.labels(method, route, str(message["status"])).inc()
                self._meters.latency.labels(method, route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)


def _template(scope: Scope) -> str:
    """The route's path with its parameters' names in it; of a mounted folder only where it is mounted."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or scope.get("root_path") or _UNMATCHED
