"""Request bodies: limited in size, memory and number of values, and read as strict JSON."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, BinaryIO, Self, TypeVar, cast

import anyio
import anyio.to_thread
from fastapi.concurrency import contextmanager_in_threadpool
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from pippin.documents import strict_json
from pippin.documents.errors import MalformedDocumentError
from pippin.documents.strict_json import parsed_bytes
from pippin.errors import Fault, pointer
from pippin.models.spec.explain import parse
from pippin.models.spec.table import LAYERS
from pippin.settings import Settings
from service.admission import Admission, AdmissionMeter
from service.http.media_types import is_json, unsupported
from service.problems import Problem, invalid, malformed
from service.security.access import Principal
from service.work_folders import work_folder

_Model = TypeVar("_Model", bound=BaseModel)

SMALL_BYTES = 64 * 2**10
"""The largest body that counts as small: it is kept in memory while it arrives, and does not wait for larger ones."""

# A small body of nothing but brackets takes 6 MB; ordinary ones some kilobytes.
_SMALL_CAPACITY = 64 * 2**20
# More than there are threads for endpoints, so that the budget never keeps these threads waiting.
_SMALL_PLACES = 64
# One is processed while the next is parsed; both compete for the interpreter with all other requests.
_LARGE_PLACES = 2


class BodyBudget:
    """Limits the memory and threads of all JSON bodies that are processed at the same time.

    Small bodies have their own budget, so that they never wait for large ones.

    Args:
        max_bytes: The estimated memory that all large bodies together may take when parsed.
        wait_seconds: How long a request waits for its share.
        meter: Where waiting and refused requests are counted.

    Attributes:
        parsing: The limiter of the one thread that parses large bodies.
    """

    def __init__(self, *, max_bytes: int, wait_seconds: float, meter: AdmissionMeter | None = None) -> None:
        self.parsing = anyio.CapacityLimiter(1)
        self._max_bytes = max_bytes
        self._small = Admission(
            "small bodies", places=_SMALL_PLACES, capacity=_SMALL_CAPACITY, wait_seconds=wait_seconds, meter=meter
        )
        self._large = Admission(
            "large bodies", places=_LARGE_PLACES, capacity=max_bytes, wait_seconds=wait_seconds, meter=meter
        )

    @asynccontextmanager
    async def share(self, tenant: str, size: int, parsed_bytes: int) -> AsyncIterator[None]:
        """Reserve memory for a body of `size` bytes while the `with` block lasts.

        Raises:
            Problem: 413, when the body alone would exceed the budget; 503, when there is no room in time.
        """
        if parsed_bytes > self._max_bytes:
            raise Problem(
                "body-too-large",
                f"Parsing the body would take about {parsed_bytes:,} bytes of memory; at most {self._max_bytes:,} are "
                "allowed. Send fewer lists, objects and texts, or a model as its .mlmodel.",
            )
        budget = self._small if size <= SMALL_BYTES else self._large
        async with budget.slot(tenant, parsed_bytes):
            yield


class LimitedRequest(Request):
    """A request whose body is counted as it arrives, whatever `Content-Length` says, and read as strict JSON.

    A body larger than `SMALL_BYTES` waits on disk for its share of the `BodyBudget`, so that neither slow clients nor
    waiting requests hold memory. Use the request as a context manager, which returns the share.
    """

    def __init__(self, request: Request, max_bytes: int) -> None:
        super().__init__(request.scope, request.receive)
        self._max_bytes = max_bytes
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.release()

    async def release(self) -> None:
        """Return the share of the budget before long work that does not need the body."""
        self._body = b""
        await self._stack.aclose()

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in chunks.

        Raises:
            Problem: 413, as soon as the body exceeds the limit.
        """
        announced = self.headers.get("content-length", "")
        total = int(announced) if announced.isdecimal() else 0
        if total > self._max_bytes:
            raise self._too_large()
        total = 0
        async for chunk in super().stream():
            total += len(chunk)
            if total > self._max_bytes:
                raise self._too_large()
            yield chunk

    async def body(self) -> bytes:
        """The whole body, once there is memory for the parsed value.

        Raises:
            Problem: 413, when the body or its parsed value is too large; 503, when there is no memory in time.
        """
        if not hasattr(self, "_body"):
            self._body = await self._admitted_body()
        return self._body

    async def json(self) -> Any:  # noqa: ANN401 (any JSON value)
        """The body as JSON.

        Raises:
            Problem: 400, when it is no strict JSON; 422, when it has too many values; else as `body` does.
        """
        if not hasattr(self, "_json"):
            body = await self.body()
            # A large explicit model takes seconds to parse. On the event loop this would stop every stream; in the
            # threads that all requests share, a few such bodies would keep all others waiting.
            limiter = None if len(body) <= SMALL_BYTES else self._budget.parsing
            self._json = await anyio.to_thread.run_sync(parse_json, body, limiter=limiter)
        return self._json

    async def _admitted_body(self) -> bytes:
        async with AsyncExitStack() as arrival:
            start, size, weight = bytearray(), 0, 0
            file: BinaryIO | None = None
            async for chunk in self.stream():
                size += len(chunk)
                weight += parsed_bytes(chunk)
                if size <= SMALL_BYTES:
                    start += chunk
                    continue
                if file is None:
                    file = await self._file(arrival)
                    file.write(start)
                await run_in_threadpool(file.write, chunk)
            await self._stack.enter_async_context(self._budget.share(self._tenant, size, weight))
            return bytes(start) if file is None else await run_in_threadpool(_content, file)

    async def _file(self, arrival: AsyncExitStack) -> BinaryIO:
        """An empty file on the disk of PIPPIN_HOME, deleted when the body has arrived and been read."""
        settings = cast("Settings", self.app.state.settings)
        folder = await arrival.enter_async_context(contextmanager_in_threadpool(work_folder(settings)))
        return arrival.enter_context((folder / "body").open("x+b"))

    @property
    def _budget(self) -> BodyBudget:
        return cast("BodyBudget", self.app.state.services.bodies)

    @property
    def _tenant(self) -> str:
        return cast("Principal", self.state.principal).tenant

    def _too_large(self) -> Problem:
        return Problem("body-too-large", f"The body may have at most {self._max_bytes:,} bytes.")


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def parse_json(data: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """Parse `data` as strict JSON.

    Raises:
        Problem: 400, when it is no strict JSON; 422, when it has more than `MAX_VALUES` values.
    """
    try:
        document = strict_json.loads(data)
    except MalformedDocumentError as error:
        raise malformed(error.located) from error
    if fault := too_many_values(document):
        raise invalid([fault])
    return document


MAX_VALUES = 50_000
"""The limit on the values of a document, without arrays of weights.

Pydantic creates an error for each invalid value, which takes 7 µs during which no other thread runs: a list of two
million numbers in place of layers, a body of 4 MB, stopped the service for 14 s.
"""

# Pydantic does not check the elements of these lists. The last two are fields of SwiftCoreMLTools.
_ARRAYS = frozenset(name for layer in LAYERS.values() for name in layer.array_fields) | {"weight", "bias"}

_Path = tuple["_Path", int | str] | None


def too_many_values(document: object) -> Fault | None:
    """The fault of a document with more than `MAX_VALUES` values, at the list or object that exceeds the limit.

    Takes milliseconds for a document of any size.
    """
    allowed = MAX_VALUES
    open_values: list[tuple[object, _Path]] = [(document, None)]
    while open_values:
        value, path = open_values.pop()
        if not isinstance(value, list | dict):
            continue
        allowed -= len(value)
        if allowed < 0:
            kind = "object" if isinstance(value, dict) else "list"
            detail = (
                f"with this {kind} of {len(value):,} the document has more than {MAX_VALUES:,} values, arrays of "
                "weights left out; needs fewer"
            )
            return Fault(pointer(*reversed(list(_parts(path)))), detail)
        if isinstance(value, list):
            open_values += [(entry, (path, at)) for at, entry in enumerate(value)]
        else:
            open_values += [
                (entry, (path, name))
                for name, entry in value.items()
                if not (name in _ARRAYS and isinstance(entry, list))
            ]
    return None


def _parts(path: _Path) -> Iterator[int | str]:
    while path is not None:
        path, part = path
        yield part


def optional_body(kind: type[_Model]) -> Callable[[Request], Coroutine[Any, Any, _Model]]:
    """A dependency that reads an optional JSON body; without one it returns the defaults of `kind`."""

    async def read(request: Request) -> _Model:
        if not await request.body():
            return kind()
        if not is_json(request):
            raise unsupported(request, "application/json")
        return parse(kind, await request.json())

    return read
