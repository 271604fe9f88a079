"""Middleware: lets in who may do what is asked, before anything of the body is read."""

from typing import cast

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from pippin.settings import Settings
from pippin.store import Knock, Store, StoreUnavailable
from pippin.store.rates import Rates
from pippin.tokens import Role, grants, is_demanded
from service.problems import Problem, answer, instance_of
from service.refusals import unavailable
from service.security.access import SAFE, role_for
from service.security.gate import is_own
from service.security.principal import Principal

COOKIE = "pippin_session"
"""What holds the secret of a browser's session."""

# What watches the service from its own machine is to hear of it when Redis is away.
_NUMBERS = "/metrics"
_REALM = 'Bearer realm="pippin"'


class Guard:
    """Finds out whose a request is, and puts that into the request's state as `principal`.

    A bearer token (RFC 6750) counts before the cookie of a browser's session. Every request asks Redis, so that a
    revoked token is refused by the very next one.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        # Others reach it: then it is shut before the first token is made, too.
        self._always = settings.serves_others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        needed = role_for(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if needed is not None:
            try:
                principal = await run_in_threadpool(self._admit, Request(scope), needed)
            except (Problem, StoreUnavailable) as error:
                if isinstance(error, Problem) or self._always or scope["path"] != _NUMBERS:
                    problem = error if isinstance(error, Problem) else unavailable(error)
                    await answer(problem, instance_of(scope))(scope, receive, send)
                    return
                principal = Principal(None)
            scope.setdefault("state", {})["principal"] = principal
            if principal.token:
                structlog.contextvars.bind_contextvars(token=principal.token.id)
        await self._app(scope, receive, send)

    def _admit(self, request: Request, needed: Role) -> Principal:
        """Who makes the request.

        Raises:
            Problem: 401 for nobody that is known, 403 for somebody who may not, 429 for somebody who may later.
            StoreUnavailable: Redis cannot be reached.
        """
        store = cast("Store", request.app.state.store)
        bearer = _bearer(request.headers.get("authorization"))
        session = request.cookies.get(COOKIE) if bearer is None else None
        knock = store.tokens.knock(bearer) if session is None else store.tokens.knock_with_session(session)
        allowed = knock.token is not None and grants(knock.token.role, needed)
        if not allowed and not (self._always or is_demanded(needed, knock.made)):
            return Principal(None)
        if not allowed:
            raise _refusal(knock, needed, shown=(bearer, session))
        if session is not None and request.method not in SAFE and not is_own(*_origin_and_host(request)):
            detail = (
                "With a session's cookie this takes an Origin header of the service's own; or send the token itself."
            )
            raise Problem("foreign-origin", detail)
        principal = Principal(knock.token, by_session=session is not None)
        if principal.token and principal.requests_per_minute is not None:
            rates = cast("Rates", request.app.state.rates)
            if wait := rates.hit(principal.token.id, principal.requests_per_minute):
                detail = f"This token may make {principal.requests_per_minute:,} requests a minute."
                raise Problem("rate-limited", detail, headers={"retry-after": str(wait)})
        return principal


def _bearer(header: str | None) -> str | None:
    """The token in an `Authorization` header; None without one. Of another scheme it is "", which is nobody's."""
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _origin_and_host(request: Request) -> tuple[str | None, str | None]:
    return request.headers.get("origin"), request.headers.get("host")


def _refusal(knock: Knock, needed: Role, shown: tuple[str | None, str | None]) -> Problem:
    if knock.token is not None:
        described = f'{_REALM}, error="insufficient_scope", scope="{needed}"'
        detail = f"The token has the role {knock.token.role}; this takes one of the role {needed}."
        return Problem("forbidden", detail, headers={"www-authenticate": described})
    if not any(shown):
        # RFC 6750 section 3.1: who showed nothing is told no error code.
        detail = f"This takes a token of the role {needed}, sent as: Authorization: Bearer TOKEN."
        return Problem("unauthorized", detail, headers={"www-authenticate": _REALM})
    described = f'{_REALM}, error="invalid_token", error_description="The token is unknown or revoked"'
    detail = f"The token is unknown or revoked; `pippin tokens create --role {needed}` makes another."
    return Problem("unauthorized", detail, headers={"www-authenticate": described})
