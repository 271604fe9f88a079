"""Which problem each error of the house is told as."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from pippin.blobs import BlobDamagedError, BlobError
from pippin.errors import Fault, FaultyDocumentError
from pippin.store import (
    AmbiguousName,
    IdempotencyInFlight,
    IdempotencyMismatch,
    NameTaken,
    NoSuchJob,
    NoSuchWorker,
    QuotaExceeded,
    RecordTooLarge,
    Refused,
    StoreFull,
    StoreUnavailable,
    TenantFull,
    UnreadableRecord,
)
from service.blame import problem_of
from service.problems import Problem, answer, instance_of, invalid, invalid_request, kind_of, no_room
from service.sandbox import SandboxError, TaskRefused
from service.sandbox.errors import NO_ROOM
from service.validation import parameter_items

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def unavailable(error: StoreUnavailable) -> Problem:
    """The 503 while Redis is away."""
    return Problem("unavailable", _sentence(error), headers={"retry-after": "2"})


def _of_system(error: OSError) -> Problem:
    """A full disk is known; anything else nobody foresaw, and it becomes a 500 in the log."""
    if error.errno not in NO_ROOM:
        raise error
    return no_room()


# Any: each function takes the error that it stands beside.
_PROBLEMS: dict[type[Exception], Callable[[Any], Problem]] = {
    FaultyDocumentError: lambda error: invalid(error.faults),
    RequestValidationError: lambda error: invalid_request(parameter_items(error.errors())),
    NoSuchJob: lambda error: Problem("not-found", _sentence(error)),
    NoSuchWorker: lambda error: Problem("not-found", _sentence(error)),
    AmbiguousName: lambda error: Problem("ambiguous-name", _sentence(error)),
    Refused: lambda error: Problem("state-conflict", _sentence(error)),
    NameTaken: lambda error: Problem("name-taken", _sentence(error)),
    IdempotencyMismatch: lambda error: Problem("idempotency-mismatch", _sentence(error)),
    IdempotencyInFlight: lambda error: Problem("idempotency-in-flight", _sentence(error), headers={"retry-after": "1"}),
    QuotaExceeded: lambda error: Problem("quota-exceeded", _sentence(error), headers={"retry-after": "30"}),
    RecordTooLarge: lambda error: invalid([Fault("", str(error))]),
    TenantFull: lambda error: Problem("tenant-full", _sentence(error)),
    StoreFull: lambda error: Problem("unavailable", _sentence(error), headers={"retry-after": "60"}),
    StoreUnavailable: unavailable,
    BlobDamagedError: lambda error: Problem("blob-damaged", _sentence(error)),
    UnreadableRecord: lambda error: Problem("unreadable-record", _sentence(error)),
    BlobError: lambda error: Problem("unavailable", _sentence(error), headers={"retry-after": "5"}),
    TaskRefused: lambda error: invalid(error.faults or [Fault("", str(error))]),
    SandboxError: problem_of,
    OSError: _of_system,
    ClientDisconnect: lambda _: Problem("malformed-body", "The connection broke before the body was complete."),
}


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem."""
    for kind, told in _PROBLEMS.items():
        app.add_exception_handler(kind, _handler(told))
    app.add_exception_handler(HTTPException, _http_error)


def _handler(told: Callable[[Any], Problem]) -> Callable[[Request, Exception], Response]:
    def handle(request: Request, error: Exception) -> Response:
        return answer(told(error), instance_of(request.scope))

    return handle


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(error if isinstance(error, Problem) else _of_http(request, error), instance_of(request.scope))


def _of_http(request: Request, error: HTTPException) -> Problem:
    """What the framework raises by itself."""
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return Problem("not-found", f"There is nothing at {request.url.path}.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(_allowed(request))
            detail = f"{request.method} means nothing at {request.url.path}, which takes {allowed}."
            return Problem("method-not-allowed", detail, headers={"allow": allowed})
        case status:
            return Problem(kind_of(status), f"{error.detail}.", headers=error.headers)


def _allowed(request: Request) -> list[str]:
    """Every method that some route takes here; the framework names those of the first route only."""
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _sentence(error: Exception) -> str:
    text = str(error).removesuffix(".")
    # An id is written as it is.
    return f"{text}." if text.startswith("job_") else f"{text[:1].upper()}{text[1:]}."
