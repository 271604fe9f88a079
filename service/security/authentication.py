"""Middleware: authenticates and authorizes each request before its body is read."""

from time import monotonic
from typing import cast

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from pippin.api.tokens import Role, Token, grants, is_required, secret_hash
from pippin.settings import Settings
from pippin.store import Store, StoreUnavailable
from pippin.store.rates import Rates
from pippin.store.token_requirement import TokenRequirement
from service.problems import Problem, answer, instance_of, redis_unavailable, sentence
from service.security.access import SAFE, Access, Operations, Principal
from service.security.browsers import is_own
from service.security.open_requests import OpenRequests

COOKIE = "pippin_session"
"""The name of the cookie with the secret of a browser session."""

_REALM = 'Bearer realm="pippin"'

# For this long after Redis last required tokens, requests without a token are refused without a look-up in a thread:
# 275 such requests at once delayed another client's request by 0.3 s.
_RECENT_SECONDS = 1.0

_LOST = (
    " Redis has lost its record of the tokens that this service required before, and still requires: create one "
    "with `pippin tokens create`, or run `pippin tokens reset`, with the service's PIPPIN_HOME, to require none."
)

# Headers that proxies and tunnels add (RFC 7239, RFC 9110 section 7.6.3, and common ones other than x-forwarded-*).
_FORWARDING = frozenset(
    {
        "cdn-loop",
        "cf-connecting-ip",
        "cf-ray",
        "client-ip",
        "fastly-client-ip",
        "fastly-ff",
        "fly-client-ip",
        "forwarded",
        "true-client-ip",
        "via",
        "x-appengine-user-ip",
        "x-azure-clientip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-forwarded",
        "x-nginx-proxy",
        "x-original-forwarded-for",
        "x-original-host",
        "x-original-uri",
        "x-original-url",
        "x-proxyuser-ip",
        "x-real-ip",
        "x-rewrite-url",
        "x-varnish",
    }
)


class AuthenticationMiddleware:
    """Authenticates each request and stores its principal in the request's state as `principal`.

    A bearer token (RFC 6750) has priority over the cookie of a browser session. Every request with either of them is
    looked up in Redis, so the first request after a revocation is refused. Requests that are being answered end soon
    after; see `OpenRequests`.
    """

    def __init__(self, app: ASGIApp, settings: Settings, operations: Operations) -> None:
        self._app = app
        self._operations = operations
        self._always = settings.requires_tokens
        # The roles of which tokens exist, as Redis last reported them, and the time of that report.
        self._issued_roles: frozenset[str] = frozenset()
        self._checked_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        access = self._operations.access_of(scope)
        state = scope.setdefault("state", {})
        state["access"] = access
        if access.role is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            if self._is_refused_without_redis(request, access.role):
                raise _refusal(None, access.role, shown=False, lost=False)
            principal = await run_in_threadpool(self._admit, request, access)
        except (Problem, StoreUnavailable) as error:
            problem = error if isinstance(error, Problem) else redis_unavailable(sentence(error))
            await answer(problem, instance_of(scope))(scope, receive, send)
            return
        state["principal"] = principal
        if principal.token:
            structlog.contextvars.bind_contextvars(token=principal.token.id)
        open_requests = cast("OpenRequests", scope["app"].state.services.open_requests)
        with open_requests.opened(principal, access.role) as opened:
            await opened.run(self._app, scope, receive, send)

    def _is_refused_without_redis(self, request: Request, role: Role) -> bool:
        """Whether the request has no token although both the last report of Redis and the file require one."""
        if "authorization" in request.headers or COOKIE in request.cookies:
            return False
        if monotonic() - self._checked_at > _RECENT_SECONDS or not self._is_required(role, self._issued_roles):
            return False
        requirement = cast("TokenRequirement", request.app.state.services.requirement)
        return self._is_required(role, requirement.recall().roles)

    def _admit(self, request: Request, access: Access) -> Principal:
        """The principal of the request.

        Raises:
            Problem: 401 without a valid token where one is required, 403 when its role is not sufficient or a proxy
                exposes a service that requires no token, 429 when the token has made too many requests.
            StoreUnavailable: Redis cannot be reached.
        """
        assert access.role is not None
        store = cast("Store", request.app.state.services.store)
        requirement = cast("TokenRequirement", request.app.state.services.requirement)
        bearer = _bearer(request.headers.get("authorization"))
        session = request.cookies.get(COOKIE) if bearer is None else None
        recalled = requirement.recall()
        asked_at = monotonic()
        try:
            checked = store.tokens.check(bearer) if session is None else store.tokens.check_session(session)
        except StoreUnavailable:
            if not access.answers_without_redis or self._is_required(access.role, recalled.roles):
                raise
            return _anonymous(request)
        self._issued_roles, self._checked_at = checked.issued_roles, asked_at
        if not recalled.roles.issuperset(checked.issued_roles):
            requirement.remember(checked.issued_roles, recalled)
        allowed = checked.token is not None and grants(checked.token.role, access.role)
        if not allowed and not self._is_required(access.role, checked.issued_roles | recalled.roles):
            return _anonymous(request)
        if not allowed:
            lost = not self._is_required(access.role, checked.issued_roles)
            raise _refusal(checked.token, access.role, shown=bool(bearer or session), lost=lost)
        if session is not None and request.method not in SAFE and not is_own(*_origin_and_host(request)):
            detail = (
                "A request with a session cookie needs an Origin header with the service's own origin; or send the "
                "token itself."
            )
            raise Problem("foreign-origin", detail)
        principal = Principal(checked.token, session_hash=secret_hash(session) if session is not None else None)
        if principal.token and principal.requests_per_minute is not None:
            rates = cast("Rates", request.app.state.services.rates)
            if wait := rates.hit(principal.token.id, principal.requests_per_minute):
                detail = f"This token is limited to {principal.requests_per_minute:,} requests per minute."
                raise Problem("rate-limited", detail, headers={"retry-after": str(wait)})
        return principal

    def _is_required(self, role: Role, issued_roles: frozenset[str]) -> bool:
        return self._always or is_required(role, issued_roles)


def _anonymous(request: Request) -> Principal:
    """The principal of a request without a token, on a service that requires none.

    Raises:
        Problem: 403, when a proxy has forwarded the request: the service would be open to every client of the proxy.
    """
    for name in request.headers:
        if name in _FORWARDING or name.startswith("x-forwarded-"):
            detail = (
                f"The request has the header {name[:40]}: it was sent through a proxy, but this service requires no "
                "tokens. Create one with `pippin tokens create --role admin`, or name the proxy's host in "
                "PIPPIN_ALLOWED_HOSTS, or set PIPPIN_REQUIRE_TOKENS=always; then every request needs a token."
            )
            raise Problem("behind-proxy", detail)
    return Principal(None)


def _bearer(header: str | None) -> str | None:
    """The token in an `Authorization` header; None without the header; for another scheme "", which equals no token."""
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _origin_and_host(request: Request) -> tuple[str | None, str | None]:
    return request.headers.get("origin"), request.headers.get("host")


def _refusal(token: Token | None, needed: Role, *, shown: bool, lost: bool) -> Problem:
    """The problem of a request without a token, or with a token that is not sufficient.

    Args:
        token: The request's token, if it is valid.
        needed: The role that the operation requires.
        shown: Whether the request has a bearer token or a session secret.
        lost: Whether Redis, by the records that it still has, would require no token.
    """
    if token is not None:
        described = f'{_REALM}, error="insufficient_scope", scope="{needed}"'
        detail = f"The token has the role {token.role}; this request needs one of the role {needed}."
        return Problem("forbidden", detail, headers={"www-authenticate": described})
    if not shown:
        # RFC 6750 section 3.1: a request without a token gets no error code.
        detail = f"This request needs a token of the role {needed}, sent as: Authorization: Bearer TOKEN.{_LOST * lost}"
        return Problem("unauthorized", detail, headers={"www-authenticate": _REALM})
    described = f'{_REALM}, error="invalid_token", error_description="The token is unknown or revoked"'
    detail = (
        "The token is unknown or revoked; create another one with `pippin tokens create --role "
        f"{needed}`.{_LOST * lost}"
    )
    return Problem("unauthorized", detail, headers={"www-authenticate": described})
