"""Middleware against cross-site requests: checks of `Host` and `Origin`, and security headers."""

from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pippin.settings import Settings
from pippin.system.hosts import is_address, is_loopback, is_unspecified
from service.problems import Problem, answer, instance_of, malformed

_SHOWN = 100


class HostAndOriginCheck:
    """Refuses requests for other hosts than the service's own, and requests from pages of origins that are not allowed.

    Requests without an `Origin` header pass.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in (settings.host, *settings.allowed_hosts))
        # A request to a numeric address involved no host name, so it cannot result from DNS rebinding.
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
        if len(hosts) != 1 or not self._is_allowed_host(hosts[0]):
            shown = ", ".join(hosts)[:_SHOWN]
            detail = f"The request is for the host {shown!r}, which is not in PIPPIN_ALLOWED_HOSTS of the service."
            return Problem("misdirected", detail)
        for origin in headers.getlist("origin"):
            if not (is_own(origin, hosts[0]) or origin in self._origins):
                detail = f"The request comes from a page of {origin[:_SHOWN]!r}, which is not in PIPPIN_CORS_ORIGINS."
                return Problem("foreign-origin", detail)
        return None

    def _is_allowed_host(self, header: str) -> bool:
        try:
            host = urlsplit(f"//{header}").hostname or ""
        except ValueError:
            return False
        return host in self._hosts or is_loopback(host) or (self._any_address and is_address(host))


def is_own(origin: str | None, host: str | None) -> bool:
    """Whether an `Origin` header names the service itself: the authority that the `Host` header names.

    The scheme is not compared, since a proxy that terminates TLS need not announce it.
    """
    if not origin or not host:
        return False
    scheme, _, authority = origin.partition("://")
    return scheme in {"http", "https"} and authority.lower() == host.lower()


HTML_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of the service's pages: resources only from this host, and no inline scripts."""

NO_NEW_WINDOWS = "sandbox allow-scripts allow-same-origin allow-forms allow-downloads allow-modals"
"""A part of a policy: the page cannot open windows, by which a library's script could send data to another host."""

_HEADERS = {
    # For responses that are not HTML: a browser that shows one loads and runs nothing.
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class SecurityHeaders:
    """Middleware: adds security headers, except those that the response has already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


_SCHEMES = (b"http://", b"https://")


class AbsoluteTargets:
    """Middleware: rewrites a request whose target is in absolute form (RFC 9112 section 3.2.2) to origin form.

    The target's authority replaces the `Host` header, as the RFC requires, so that host checks see the requested host.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["raw_path"].lower().startswith(_SCHEMES):
            authority, slash, path = scope["raw_path"].partition(b"://")[2].partition(b"/")
            if not authority or b"@" in authority:
                problem = malformed("the request's target has no host, or has user information before it")
                await answer(problem, instance_of(scope))(scope, receive, send)
                return
            raw_path = (slash + path) or b"/"
            headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {
                **scope,
                "raw_path": raw_path,
                "path": unquote(raw_path.decode("ascii")),
                "headers": [(b"host", authority), *headers],
            }
        await self._app(scope, receive, send)
