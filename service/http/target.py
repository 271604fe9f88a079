"""The target of a request in absolute form, `GET http://host/path`, as clients of a proxy send it (RFC 9112, 3.2.2)."""

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from service.problems import answer, instance_of, malformed

_SCHEMES = (b"http://", b"https://")


class AbsoluteTargets:
    """Middleware: has such a request go on as if it had been sent in origin form.

    The target's authority replaces the `Host` header, as the RFC demands, so that what checks the host sees the one
    that is asked for.
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
