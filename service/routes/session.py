"""Browser sessions, for requests that cannot send an `Authorization` header, such as an EventSource or a download."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response

from pippin.api.service import Session
from pippin.store import SESSION_SECONDS
from service.http.route_classes import JsonRoute
from service.problems import Problem, responses
from service.security.access import requires
from service.security.authentication import COOKIE
from service.services import Caller, TheServices

router = APIRouter(tags=["session"], route_class=JsonRoute)


@router.get(
    "/session",
    operation_id="getSession",
    summary="Get the current principal",
    response_description="The principal that makes the request.",
    responses=responses(503),
    dependencies=[requires("read")],
)
async def get_session(caller: Caller) -> Session:
    """Returns the role, tenant and token of the request. Works without a token where the service requires none."""
    return Session(role=caller.role, tenant=caller.tenant, token=caller.token.id if caller.token else None)


@router.post(
    "/session",
    status_code=201,
    operation_id="beginSession",
    summary="Begin a browser's session",
    response_description="The session has begun; its cookie is in `Set-Cookie`.",
    responses=responses(503),
    dependencies=[requires("read")],
)
def begin_session(request: Request, response: Response, caller: Caller, services: TheServices) -> Session:
    """Exchanges a bearer token for a cookie, which scripts cannot read and other sites cannot send.

    The session ends after twelve hours, when it is deleted, and when the token is revoked.
    """
    if caller.token is None or caller.by_session:
        raise Problem(
            "unauthorized",
            "A session needs a token, sent as: Authorization: Bearer TOKEN.",
            headers={"www-authenticate": 'Bearer realm="pippin"'},
        )
    response.set_cookie(
        COOKIE,
        services.store.tokens.open_session(caller.token),
        max_age=SESSION_SECONDS,
        secure=_is_encrypted(request),
        httponly=True,
        samesite="strict",
    )
    response.headers["cache-control"] = "no-store"
    ends = datetime.now(UTC) + timedelta(seconds=SESSION_SECONDS)
    return Session(role=caller.role, tenant=caller.tenant, token=caller.token.id, expires_at=ends)


@router.delete(
    "/session",
    status_code=204,
    operation_id="endSession",
    summary="End a browser's session",
    response_description="The session has ended; its cookie is invalid.",
    responses=responses(503),
    dependencies=[requires("read")],
)
def end_session(request: Request, response: Response, services: TheServices) -> None:
    """Ends the session of the request's cookie. A request without the cookie changes nothing."""
    if secret := request.cookies.get(COOKIE):
        services.store.tokens.end_session(secret)
    response.delete_cookie(COOKIE, secure=_is_encrypted(request), httponly=True, samesite="strict")


def _is_encrypted(request: Request) -> bool:
    """Whether the browser uses TLS, to the service or to a proxy. `Origin` shows it if the proxy does not report it."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
