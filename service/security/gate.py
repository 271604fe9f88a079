"""Middleware: turns away what a page of somebody else makes a browser send.

A page elsewhere can point a name of its own at this machine (DNS rebinding), and then it and the service have one
origin; but the browser still names that host. Or it can send a request across origins, which the browser then names.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pippin.settings import Settings
from pippin.system.hosts import is_address, is_loopback, is_unspecified
from service.problems import Problem, answer, instance_of

_SHOWN = 100


class Gate:
    """Lets in requests to a host that the service goes by, from its own pages, from chosen origins, or from no page."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in (settings.host, *settings.allowed_hosts))
        # Who asks for a number was sent by no name, so it has not been pointed anywhere.
        self._any_address = is_unspecified(settings.host)
        self._origins = frozenset(settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (problem := self._objection(Headers(scope=scope))):
            await answer(problem, instance_of(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _objection(self, headers: Headers) -> Problem | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._goes_by(hosts[0]):
            shown = ", ".join(hosts)[:_SHOWN]
            detail = (
                f"The request is for the host {shown!r}; PIPPIN_ALLOWED_HOSTS of the service names the ones it has."
            )
            return Problem("misdirected", detail)
        for origin in headers.getlist("origin"):
            if not (is_own(origin, hosts[0]) or origin in self._origins):
                detail = f"The request comes from a page of {origin[:_SHOWN]!r}, which is not in PIPPIN_CORS_ORIGINS."
                return Problem("foreign-origin", detail)
        return None

    def _goes_by(self, header: str) -> bool:
        try:
            host = urlsplit(f"//{header}").hostname or ""
        except ValueError:
            return False
        return host in self._hosts or is_loopback(host) or (self._any_address and is_address(host))


def is_own(origin: str | None, host: str | None) -> bool:
    """Whether an `Origin` header names the service itself: the authority that the `Host` header names.

    The scheme is not compared, since a proxy that ends TLS need not tell us that it does.
    """
    if not origin or not host:
        return False
    scheme, _, authority = origin.partition("://")
    return scheme in {"http", "https"} and authority.lower() == host.lower()
