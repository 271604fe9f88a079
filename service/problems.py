"""The error answers of the service: `application/problem+json` (RFC 9457)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from pippin.api.problems import ErrorItem
from pippin.errors import Fault, clipped, summarised

MEDIA_TYPE = "application/problem+json"

# A megabyte of empty objects has a hundred thousand faults, an answer of ten megabytes; a fault may quote a megabyte.
_MAX_ERRORS = 1000
_MAX_ERROR_CHARACTERS = 2**18


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: the status and title of all its occurrences."""

    status: int
    title: str


# The name is the end of the problem's `type` URI and never changes once released.
KINDS: dict[str, Kind] = {
    "malformed-body": Kind(400, "The body cannot be read"),
    "unauthorized": Kind(401, "A token is needed"),
    "forbidden": Kind(403, "The token does not allow this"),
    "behind-proxy": Kind(403, "A proxy forwards requests to a service that requires no tokens"),
    "foreign-origin": Kind(403, "The request comes from a page of another origin"),
    "not-found": Kind(404, "Not found"),
    "method-not-allowed": Kind(405, "The method is not allowed here"),
    "not-acceptable": Kind(406, "None of the accepted media types is available"),
    "request-timeout": Kind(408, "The request did not arrive in time"),
    "state-conflict": Kind(409, "The state does not allow the operation"),
    "name-taken": Kind(409, "The name is taken"),
    "ambiguous-name": Kind(409, "The name is ambiguous"),
    "idempotency-in-flight": Kind(409, "The first request with this Idempotency-Key is still being answered"),
    "body-too-large": Kind(413, "The body is too large"),
    "unsupported-media-type": Kind(415, "The body's media type is not supported"),
    "range-not-satisfiable": Kind(416, "The range lies outside the file"),
    "invalid-request": Kind(422, "The request is not valid"),
    "idempotency-mismatch": Kind(422, "The Idempotency-Key was used for another request"),
    "misdirected": Kind(421, "The service does not have this host name"),
    "quota-exceeded": Kind(429, "The token's quota is used up"),
    "rate-limited": Kind(429, "The token has made too many requests"),
    "internal-error": Kind(500, "Something went wrong in the service"),
    "blob-damaged": Kind(500, "A stored file is damaged"),
    "unreadable-record": Kind(500, "The record cannot be read"),
    "insufficient-storage": Kind(507, "The service's disk is full"),
    "tenant-full": Kind(507, "The tenant has reached its limit in Redis"),
    "unavailable": Kind(503, "The service is temporarily unavailable"),
}


class Problem(HTTPException):
    """An error answer of one of the `KINDS`, raised as an exception."""

    def __init__(
        self, kind: str, detail: str, *, errors: Iterable[ErrorItem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(KINDS[kind].status, detail, dict(headers) if headers else None)
        self.kind = kind
        self.errors = tuple(errors)


def invalid(faults: Iterable[Fault]) -> Problem:
    """The 422 for a body with these faults; their pointers start at the body's root."""
    listed = tuple(faults)
    items = [ErrorItem(pointer=each.pointer, detail=each.detail, rule=each.rule) for each in summarised(listed)]
    return _of_items(items, len(listed))


def invalid_parameter(parameter: str, detail: str) -> Problem:
    """The 422 for one query parameter or header."""
    return invalid_request([ErrorItem(parameter=parameter, detail=detail)])


def invalid_request(items: Iterable[ErrorItem]) -> Problem:
    """The 422 for a request with these faults; of a large number, it lists the first."""
    errors = tuple(items)
    return _of_items(errors, len(errors))


def _of_items(errors: Sequence[ErrorItem], faults: int) -> Problem:
    shown = tuple(_shown(errors[:_MAX_ERRORS]))
    count = f"{faults:,} fault{'s' if faults != 1 else ''}"
    count += f" of {len(errors):,} kind{'s' if len(errors) != 1 else ''}" if len(errors) < faults else ""
    listed = "see errors" if len(shown) == len(errors) else f"errors has the first {len(shown):,}"
    return Problem("invalid-request", f"The request has {count}; {listed}.", errors=shown)


def _shown(errors: Iterable[ErrorItem]) -> Iterator[ErrorItem]:
    """The first errors, each clipped, up to the limit on their total size."""
    size = 0
    for error in errors:
        texts = {name: clipped(text) for name in ("pointer", "parameter", "detail") if (text := getattr(error, name))}
        size += sum(map(len, texts.values()))
        if size > _MAX_ERROR_CHARACTERS:
            return
        yield error.model_copy(update=texts)


def malformed(what: str) -> Problem:
    """The 400 for a body that cannot be read; `what` is the reason."""
    return Problem("malformed-body", f"The body cannot be read: {what}.")


def insufficient_storage() -> Problem:
    """The 507 (RFC 4918) for data that does not fit on the service's disk."""
    return Problem(
        "insufficient-storage",
        "The service's disk is full, and nothing was stored: delete datasets, models or jobs, or use a larger disk.",
        headers={"retry-after": "60"},
    )


def redis_unavailable(detail: str) -> Problem:
    """The 503 while Redis cannot be reached."""
    return Problem("unavailable", detail, headers={"retry-after": "2"})


def not_found(what: str) -> Problem:
    """The 404 that says `what` does not exist."""
    return Problem("not-found", f"There is no {what}.")


def sentence(error: Exception) -> str:
    """The message of an error as a sentence."""
    text = str(error).removesuffix(".")
    # An id keeps its lower case.
    return f"{text}." if text.startswith("job_") else f"{text[:1].upper()}{text[1:]}."


def kind_of(status: int) -> str:
    """The first kind with this status, for an HTTP error of the framework."""
    for name, kind in KINDS.items():
        if kind.status == status:
            return name
    return "internal-error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "malformed-body"


def instance_of(scope: Scope) -> str:
    """The requested path as a problem's `instance`: a URI reference, so still percent-encoded."""
    path: bytes = scope["raw_path"]
    return path.decode("ascii", errors="replace")


def answer(problem: Problem, instance: str, **members: Any) -> Response:  # noqa: ANN401 (any JSON value)
    """The response for a problem.

    Args:
        problem: The problem.
        instance: The requested path; see `instance_of`.
        members: Extension members, such as the `id` of an internal error.
    """
    document: dict[str, Any] = {
        "type": f"/problems/{problem.kind}",
        "title": KINDS[problem.kind].title,
        "status": problem.status_code,
        "detail": clipped(problem.detail),
        "instance": instance,
    }
    if problem.errors:
        document["errors"] = [item.model_dump(exclude_none=True) for item in problem.errors]
    return Response(
        json.dumps(document | members, ensure_ascii=False).encode(errors="backslashreplace"),
        status_code=problem.status_code,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def responses(*kinds: int | str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of error answers of an operation.

    Args:
        kinds: Names of `KINDS`. A status stands for the first kind that has it.
    """
    titles: dict[int | str, list[str]] = {}
    for kind in (KINDS[kind_of(kind) if isinstance(kind, int) else kind] for kind in kinds):
        # Not Python's reason phrases: those of 413, 416 and 422 changed with 3.13.
        titles.setdefault(kind.status, []).append(kind.title)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": " / ".join(each), "content": content} for status, each in titles.items()}
