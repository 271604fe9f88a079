"""A call of the REST API as a value: its request, the parser of its response, and lists of several pages."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from pippin.api.pages import Page, UnreadableEntry
from pippin.client.errors import ServiceError, ServiceUnreachable
from pippin.http.connection import is_refused, no_answer_reason
from pippin.system.hosts import without_password
from pippin.system.retry import Backoff

T = TypeVar("T")
Value = TypeVar("Value", bound=BaseModel)
_PAGE_SIZE = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call, which may be sent several times.

    Attributes:
        path: The path, relative to the service's URL.
        parse: Parses a response whose status is below 400.
        params: The query.
        files: Files to send as one multipart body, in this order.
        content: The raw body; `headers` contain its media type.
        may_repeat: Whether the call may be sent again although the service may have acted on it already.
        busy: Statuses that mean that the call should be repeated later.
        answer_seconds: Seconds without a byte of the response after which the call fails.
    """

    method: str
    path: str
    parse: Callable[[httpx2.Response], T]
    params: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    files: Sequence[Path] = ()
    content: bytes | None = None
    may_repeat: bool = True
    busy: frozenset[int] = frozenset()
    answer_seconds: float = 60


@contextmanager
def request_for(call: Call[Any], http: httpx2.Client | httpx2.AsyncClient) -> Iterator[httpx2.Request]:
    """The request of one attempt at `call`; its files are open inside the block."""
    with ExitStack() as stack:
        files = [("file", (path.name, stack.enter_context(path.open("rb")))) for path in call.files]
        body: dict[str, Any] = {"files": files} if files else {"json": call.json}
        if call.content is not None:
            body = {"content": call.content}
        yield http.build_request(
            call.method,
            call.path,
            params=list(call.params),
            headers=dict(call.headers),
            timeout=httpx2.Timeout(60, connect=5, read=call.answer_seconds),
            **body,
        )


def checked(response: httpx2.Response) -> httpx2.Response:
    """The response, if its status is below 400.

    Raises:
        ServiceError: If the status is 400 or above; the body must have been read.
    """
    if response.status_code < 400:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = None
    # A 5xx without a problem document may come from a proxy; any other error without one comes from another service.
    if response.status_code < 500 and not (isinstance(problem, dict) and "title" in problem):
        raise _unexpected(response)
    raise ServiceError.of_problem(response.status_code, problem, response.reason_phrase)


def pause_after(error: httpx2.TransportError | None, backoff: Backoff, url: str, *, may_repeat: bool = True) -> float:
    """The seconds to wait before the next attempt at a call that got no response.

    Args:
        error: The error of the request; None when a stream's connection ended before the stream did.
        backoff: Counts the attempts.
        url: The service's address, for the error message.
        may_repeat: Whether the call may be sent again although the service may have acted on it already. Other calls
            are sent again only if no connection was made.

    Raises:
        ServiceUnreachable: When no further attempt is left.
    """
    is_harmless = may_repeat or isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
    if not is_harmless or backoff.exhausted:
        raise ServiceUnreachable(url, no_answer_reason(error), is_absent=is_refused(error)) from error
    return backoff.pause()


def as_model(kind: type[Value]) -> Callable[[httpx2.Response], Value]:
    """A parser of bodies that hold one JSON object of a pydantic model."""

    def parse(response: httpx2.Response) -> Value:
        try:
            # A newer service may send fields that this version of the client does not have.
            return kind.model_validate_json(response.content, extra="ignore")
        except ValidationError as error:
            raise _unexpected(response) from error

    return parse


def as_type(adapter: TypeAdapter[T]) -> Callable[[httpx2.Response], T]:
    """A parser of bodies of a type that is not a model, such as a union of models."""

    def parse(response: httpx2.Response) -> T:
        try:
            return adapter.validate_json(response.content, extra="ignore")
        except ValidationError as error:
            raise _unexpected(response) from error

    return parse


def as_object(response: httpx2.Response) -> dict[str, Any]:
    """The body, which may be any JSON object."""
    try:
        value = response.json()
    except ValueError as error:
        raise _unexpected(response) from error
    if not isinstance(value, dict):
        raise _unexpected(response)
    return value


def warn_of_unreadable(entries: Sequence[UnreadableEntry]) -> None:
    """Log each record of a list that the service could not read, once per record."""
    for entry in entries:
        _warn_once(entry.id, entry.detail)


@lru_cache(1000)
def _warn_once(_: str, detail: str) -> None:
    _log.warning("%s", detail)


class Pages(Generic[T]):
    """The calls that read a list page by page, up to a limit.

    Args:
        page: Makes the call for one page from a cursor (None for the first page) and a maximum number of entries.
        limit: The maximum number of entries in all; None for all entries.
    """

    def __init__(self, page: Callable[[str | None, int], Call[Page[T]]], limit: int | None) -> None:
        self._page = page
        self._remaining = limit
        self._cursor: str | None = None
        self._finished = limit == 0

    def next_call(self) -> Call[Page[T]] | None:
        """The call for the next page; None after the last page or once `limit` entries have been read."""
        size = _PAGE_SIZE if self._remaining is None else min(self._remaining, _PAGE_SIZE)
        return None if self._finished else self._page(self._cursor, size)

    def take(self, page: Page[T]) -> list[T]:
        """The entries of a received page, within the limit."""
        warn_of_unreadable(page.unreadable)
        entries = page.data[: self._remaining]
        if self._remaining is not None:
            self._remaining -= len(entries)
        self._cursor = page.next
        self._finished = self._remaining == 0 or not page.has_more or page.next is None
        return entries


def _unexpected(response: httpx2.Response) -> ServiceError:
    return ServiceError(
        response.status_code,
        "Not a response of Pippin",
        f"{without_password(str(response.url))} returned an unexpected response: check that the address is that of a "
        "Pippin service of this version",
    )
