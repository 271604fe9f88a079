"""The role that each operation requires, declared at its route, and the principal of a request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import Depends
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pippin.api.tokens import DEFAULT_TENANT, Quotas, Role, Token
from pippin.store import ByteQuota, JobQuota

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1), among those that this service supports."""


class UndeclaredAccessError(RuntimeError):
    """A route does not declare exactly one role; the service cannot start with it."""


@dataclass(frozen=True)
class Access:
    """The access that an operation requires.

    Attributes:
        role: The role that a token must grant; None for a public operation.
        answers_without_redis: Whether a service that requires no token answers while Redis cannot be reached.
    """

    role: Role | None
    answers_without_redis: bool = False

    async def __call__(self, request: Request) -> None:
        """Refuse a request that the middleware authorized for another operation than the one that FastAPI selected.

        Raises:
            RuntimeError: The two operations differ, which is a fault of this service.
        """
        if request.state.access != self:
            raise RuntimeError(f"the guard checked {request.state.access} for an operation that declares {self}")


def requires(role: Role, *, answers_without_redis: bool = False) -> Any:  # noqa: ANN401 (FastAPI's return type)
    """The declaration, among the `dependencies` of a route, that the route requires a token of this role."""
    return Depends(Access(role, answers_without_redis))


PUBLIC = Depends(Access(None))
"""The declaration, among the `dependencies` of a route, that the route is public."""

_UNMATCHED = Access("read")


class PublicFiles(StaticFiles):
    """A mounted folder whose files are public."""

    access = Access(None)


class Operation(NamedTuple):
    """One method of one route.

    Attributes:
        method: The HTTP method, in capitals.
        path: The path template, with parameters in braces.
        access: The access that the operation requires.
    """

    method: str
    path: str
    access: Access


class Operations:
    """The declarations of all routes of an application, in the order in which its router tries them."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Read the declarations.

        Raises:
            UndeclaredAccessError: A route declares no access, or more than one.
        """
        self._declared = [(context, _declared(context)) for context in iter_route_contexts(routes)]

    def __iter__(self) -> Iterator[Operation]:
        """Every operation; a mounted folder is not an operation."""
        for context, access in self._declared:
            for method in sorted(context.methods or ()):
                yield Operation(method, context.path or "", access)

    def access_of(self, scope: Scope) -> Access:
        """The access that is required by the operation that the router will select for a request.

        A path without an operation for the method requires the access of its first operation; the router answers 405. A
        path without any operation requires a token, so that clients without a token cannot find out which paths exist.
        """
        partial: Access | None = None
        for context, access in self._declared:
            match, _ = context.matches(scope)
            if match is Match.FULL:
                return access
            if match is Match.PARTIAL and partial is None:
                partial = access
        return partial or _UNMATCHED


def _declared(context: RouteContext) -> Access:
    route = context.original_route
    if isinstance(route, Mount):
        levels = [route.app.access] if isinstance(route.app, PublicFiles) else []
    else:
        dependencies = getattr(context, "dependencies", [])
        levels = [each.dependency for each in dependencies if isinstance(each.dependency, Access)]
    if len(levels) != 1:
        methods = ", ".join(sorted(context.methods or ()))
        raise UndeclaredAccessError(
            f"the route {methods} {context.path} declares {len(levels)} roles; give it one of requires(role) and "
            "PUBLIC in `dependencies`, or mount PublicFiles"
        )
    return levels[0]


@dataclass(frozen=True)
class Principal:
    """The authenticated sender of a request.

    Attributes:
        token: The valid token of the request; None where no token is required and the request has no valid one.
        session_hash: The hash of the secret of the browser session that authenticated the request, if one did.
    """

    token: Token | None
    session_hash: str | None = None

    @property
    def by_session(self) -> bool:
        """Whether a browser session, not the token itself, authenticated the request."""
        return self.session_hash is not None

    @property
    def role(self) -> Role:
        """The role of the token; `admin` where no token is required."""
        return self.token.role if self.token else "admin"

    @property
    def tenant(self) -> str:
        """The tenant whose jobs, datasets and models the principal sees."""
        return self.token.tenant if self.token else DEFAULT_TENANT

    @property
    def job_quota(self) -> JobQuota | None:
        """The limit on the token's jobs, if there is one."""
        quotas = self._quotas
        if self.token is None or (quotas.queued_jobs is None and quotas.active_jobs is None):
            return None
        return JobQuota(self.token.id, queued=quotas.queued_jobs, active=quotas.active_jobs)

    @property
    def byte_quota(self) -> ByteQuota | None:
        """The limit on the bytes that the token stores, if there is one."""
        if self.token is None or self._quotas.stored_bytes is None:
            return None
        return ByteQuota(self.token.id, self._quotas.stored_bytes)

    @property
    def requests_per_minute(self) -> int | None:
        """The limit on the token's requests per minute, if there is one."""
        return self._quotas.requests_per_minute

    @property
    def _quotas(self) -> Quotas:
        return self.token.quotas if self.token else Quotas()
