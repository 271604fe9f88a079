"""The requests that are being answered. A request ends when its token is revoked or its session ends."""

import json
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pippin.api.tokens import Role, is_required
from pippin.settings import Settings
from pippin.store import LiveTokens, Store, StoreUnavailable
from pippin.store.token_requirement import TokenRequirement
from pippin.system.background import every
from service.problems import Problem, answer, instance_of
from service.security.access import Principal
from service.telemetry.meters import Meters

_T = TypeVar("_T")
_DETAIL = "The token was revoked, or the session ended, while the request was served."
# The time limit for sending the last event: the client may read nothing.
_LAST_EVENT_SECONDS = 1.0

_log = structlog.stdlib.get_logger(__name__)


class OpenRequest:
    """One request, from its authentication until the end of its answer."""

    def __init__(self, principal: Principal, needed: Role) -> None:
        self._principal = principal
        self._needed = needed
        self._waits: set[anyio.CancelScope] = set()
        self.revoked = False

    @property
    def token_id(self) -> str | None:
        """The id of the request's token; None without a token, or where a session authenticated the request."""
        token = self._principal.token
        return token.id if token is not None and self._principal.session_hash is None else None

    @property
    def session_hash(self) -> str | None:
        """The hash of the secret of the request's session, if it has one."""
        return self._principal.session_hash

    def may_continue(self, live: LiveTokens, required_roles: frozenset[str]) -> bool:
        """Whether the request would still be admitted."""
        if self.session_hash is not None:
            return self.session_hash in live.sessions
        if self.token_id is not None:
            return self.token_id in live.tokens
        return not is_required(self._needed, required_roles)

    def revoke(self) -> None:
        """End the request; at once if it waits for its client."""
        self.revoked = True
        for scope in list(self._waits):
            scope.cancel()

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Run `app` to answer the request. After a revocation, `app` sees a disconnected client and can send nothing.

        `app` is not cancelled: a cancelled endpoint would leave files and locks behind.
        """
        sent = _Answer(self, send)

        async def receive_unless_revoked() -> Message:
            message = None if self.revoked else await self.unless_revoked(receive())
            return message or {"type": "http.disconnect"}

        try:
            await app(scope, receive_unless_revoked, sent.send)
        except Exception:
            if not self.revoked:
                raise
        if self.revoked and not sent.finished:
            _log.info("ended a request whose token was revoked", path=scope["path"])
            await sent.end(scope, receive)

    async def unless_revoked(self, waiting: Awaitable[_T]) -> _T | None:
        """The result of `waiting`; None when the request is revoked first."""
        with anyio.CancelScope() as scope:
            self._waits.add(scope)
            try:
                return await waiting
            finally:
                self._waits.discard(scope)
        return None


class _Answer:
    """The part of the answer to a request that has been sent."""

    def __init__(self, request: OpenRequest, send: Send) -> None:
        self._request = request
        self._send = send
        self._headers: Headers | None = None
        self.finished = False

    async def send(self, message: Message) -> None:
        """Send a message of the application, unless the token is revoked.

        Raises:
            OSError: The request was revoked during its answer; the framework treats this as a lost connection.
        """
        if not self._request.revoked:
            await self._request.unless_revoked(self._pass_on(message))
        # `end` replaces an answer that has not started.
        if self._request.revoked and self._headers is not None and not self.finished:
            raise OSError("the token of this request was revoked")

    async def _pass_on(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self._headers = Headers(raw=message["headers"])
        else:
            self.finished = not message.get("more_body", False)

    async def end(self, scope: Scope, receive: Receive) -> None:
        """Answer 401, or end an answer that has started.

        Without the last message of the answer, the server closes the connection, so no client mistakes a part of a file
        for the whole file.
        """
        problem = Problem("unauthorized", _DETAIL, headers={"www-authenticate": 'Bearer realm="pippin"'})
        if self._headers is None:
            await answer(problem, instance_of(scope))(scope, receive, self._send)
        elif self._headers.get("content-type", "").startswith("text/event-stream"):
            data = json.dumps({"status": problem.status_code, "detail": problem.detail})
            last = f"event: revoked\r\ndata: {data}\r\n\r\n".encode()
            with anyio.move_on_after(_LAST_EVENT_SECONDS):
                await self._send({"type": "http.response.body", "body": last, "more_body": False})


class OpenRequests:
    """All open requests of this process, and the loop that looks up their tokens in Redis.

    The requests of a revoked token end after PIPPIN_TOKEN_CHECK_SECONDS at most, plus the response time of Redis.
    While Redis cannot be reached, requests continue: no token can be revoked then.
    """

    def __init__(self, store: Store, requirement: TokenRequirement, meters: Meters, settings: Settings) -> None:
        self._store = store
        self._requirement = requirement
        self._meters = meters
        self._always = settings.requires_tokens
        self._interval = settings.token_check_seconds
        self._open: set[OpenRequest] = set()
        self._lost = False
        # A thread of its own: the threads that answer requests may all be busy.
        self._thread = anyio.CapacityLimiter(1)

    @contextmanager
    def opened(self, principal: Principal, needed: Role) -> Iterator[OpenRequest]:
        """Register an authenticated request while the `with` block lasts."""
        request = OpenRequest(principal, needed)
        self._open.add(request)
        try:
            yield request
        finally:
            self._open.discard(request)

    async def run(self) -> None:
        """Check regularly, until cancelled."""
        await every(self._interval, self._check_if_reachable, failure="checking for revoked tokens failed")

    async def check(self) -> None:
        """End each request whose token is revoked, whose session has ended, or that has no token where one is required.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        requests = list(self._open)
        tokens = {each.token_id for each in requests if each.token_id is not None}
        sessions = {each.session_hash for each in requests if each.session_hash is not None}

        def look() -> tuple[LiveTokens, frozenset[str]]:
            recalled = self._requirement.recall()
            live = self._store.tokens.live(tokens, sessions)
            self._requirement.remember(live.issued_roles, recalled)
            return live, live.issued_roles | recalled.roles

        live, required = await anyio.to_thread.run_sync(look, limiter=self._thread)
        self._log_requirement(live.issued_roles, required)
        for request in requests:
            if not request.revoked and not request.may_continue(live, required):
                request.revoke()
                self._meters.revoked_requests.inc()

    async def _check_if_reachable(self) -> None:
        try:
            await self.check()
        except StoreUnavailable as error:
            _log.debug("revoked tokens cannot be checked", error=str(error))

    def _log_requirement(self, issued_roles: frozenset[str], required: frozenset[str]) -> None:
        """Report whether tokens are required although Redis has no record of any."""
        roles: tuple[Role, ...] = ("worker", "read")
        lost = not self._always and any(
            is_required(each, required) and not is_required(each, issued_roles) for each in roles
        )
        self._meters.token_records_lost.set(lost)
        if lost and not self._lost:
            _log.warning(
                "Redis has no record of the tokens that this service required before; they are still required",
                remembered_in=str(self._requirement.path),
                to_open="pippin tokens create, or pippin tokens reset",
            )
        self._lost = lost
