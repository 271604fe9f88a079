"""The problem that each error of the package is answered with."""

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
from service.http.route_classes import parameter_items
from service.problems import (
    Problem,
    answer,
    instance_of,
    insufficient_storage,
    invalid,
    invalid_request,
    kind_of,
    redis_unavailable,
    sentence,
)
from service.sandbox import SandboxError, TaskRefused
from service.sandbox.messages import OUT_OF_SPACE

_FAULT_DETAILS = {
    "crashed": "reading it crashed the reading process: it is damaged or malicious; create it again",
    "too_slow": "reading it took too long; needs a smaller or simpler file",
    "too_large": "reading it took too much memory; needs a smaller or simpler file",
}


_UNAVAILABLE_DETAIL = "The service is busy reading other files, or is stopping; send the request again later."


def fault_of(error: SandboxError) -> Fault | None:
    """The fault of the input of a sandbox task; None when the input is not the cause of the error."""
    return Fault("", _FAULT_DETAILS[error.why]) if error.why in _FAULT_DETAILS else None


def problem_of(error: SandboxError) -> Problem:
    """The 422, 503 or 507 for a request whose body the sandbox could not process."""
    if error.why == "insufficient_storage":
        return insufficient_storage()
    fault = fault_of(error)
    return invalid([fault]) if fault else Problem("unavailable", _UNAVAILABLE_DETAIL, headers={"retry-after": "5"})


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def _of_os_error(error: OSError) -> Problem:
    """A full disk is an expected error; any other OSError becomes a 500 and is logged."""
    if error.errno not in OUT_OF_SPACE:
        raise error
    return insufficient_storage()


# Any: each function takes an error of its key's class.
_PROBLEMS: dict[type[Exception], Callable[[Any], Problem]] = {
    FaultyDocumentError: lambda error: invalid(error.faults),
    RequestValidationError: lambda error: invalid_request(parameter_items(error.errors())),
    NoSuchJob: lambda error: Problem("not-found", sentence(error)),
    NoSuchWorker: lambda error: Problem("not-found", sentence(error)),
    AmbiguousName: lambda error: Problem("ambiguous-name", sentence(error)),
    Refused: lambda error: Problem("state-conflict", sentence(error)),
    NameTaken: lambda error: Problem("name-taken", sentence(error)),
    IdempotencyMismatch: lambda error: Problem("idempotency-mismatch", sentence(error)),
    IdempotencyInFlight: lambda error: Problem("idempotency-in-flight", sentence(error), headers={"retry-after": "1"}),
    QuotaExceeded: lambda error: Problem("quota-exceeded", sentence(error), headers={"retry-after": "30"}),
    RecordTooLarge: lambda error: invalid([Fault("", str(error))]),
    TenantFull: lambda error: Problem("tenant-full", sentence(error)),
    StoreFull: lambda error: Problem("unavailable", sentence(error), headers={"retry-after": "60"}),
    StoreUnavailable: lambda error: redis_unavailable(sentence(error)),
    BlobDamagedError: lambda error: Problem("blob-damaged", sentence(error)),
    UnreadableRecord: lambda error: Problem("unreadable-record", sentence(error)),
    BlobError: lambda error: Problem("unavailable", sentence(error), headers={"retry-after": "5"}),
    TaskRefused: lambda error: invalid(error.faults or [Fault("", str(error))]),
    SandboxError: problem_of,
    OSError: _of_os_error,
    ClientDisconnect: lambda _: Problem("malformed-body", "The connection broke before the body was complete."),
}


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem."""
    for kind, to_problem in _PROBLEMS.items():
        app.add_exception_handler(kind, _handler(to_problem))
    app.add_exception_handler(HTTPException, _http_error)


def _handler(to_problem: Callable[[Any], Problem]) -> Callable[[Request, Exception], Response]:
    def handle(request: Request, error: Exception) -> Response:
        return answer(to_problem(error), instance_of(request.scope))

    return handle


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(error if isinstance(error, Problem) else _of_http_error(request, error), instance_of(request.scope))


def _of_http_error(request: Request, error: HTTPException) -> Problem:
    """The problem for an HTTP error that the framework raises."""
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return Problem("not-found", f"There is no path {request.url.path}.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(_allowed(request))
            detail = f"{request.method} is not allowed at {request.url.path}; allowed is {allowed}."
            return Problem("method-not-allowed", detail, headers={"allow": allowed})
        case status:
            return Problem(kind_of(status), f"{error.detail}.", headers=error.headers)


def _allowed(request: Request) -> list[str]:
    """Every method that a route supports at this path; the framework lists those of the first route only."""
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
