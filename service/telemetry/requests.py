"""Middleware: logs each request under an id, and counts requests and how long their answers take to begin."""

import logging
import re
import time
import uuid
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import Problem, answer, instance_of
from service.telemetry.meters import Meters

_log = structlog.stdlib.get_logger(__name__)
_GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Monitoring requests these every few seconds.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestLog:
    """Middleware: gives each request an id, logs its end, and answers an uncaught exception with a bare 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _GIVEN_ID.fullmatch(sent) else uuid.uuid4().hex
        began = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        # Never unbound: each request has its own context, and the server logs failures after this method has returned.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            _log.exception("unhandled", method=scope["method"], path=scope["path"])
            if status:
                raise  # the answer has begun; only a closed connection can show the client that it failed
            problem = Problem(
                "internal-error", "An internal error occurred; the service's log has the details under this id."
            )
            await answer(problem, instance_of(scope), id=request_id)(scope, receive, send_with_id)
        finally:
            level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            _log.log(level, "request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# One series for all unmatched paths: otherwise a client could create a million series.
_UNMATCHED, _OTHER = "unmatched", "other"


class RequestMeter:
    """Middleware: counts the answers that are sent, and measures the time until each begins."""

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
    """The path template of the route; for a mounted folder, the path at which it is mounted."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or scope.get("root_path") or _UNMATCHED
