"""How requests are read: within limits, by media type, as strict JSON, and with no query parameter unknown."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, BinaryIO, Self, TypeAlias, TypeVar, cast, get_args, get_origin

import anyio.to_thread
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pippin.api.problems import ErrorItem
from pippin.documents.hints import Hints
from pippin.documents.strict_json import parsed_bytes
from pippin.models.spec.explain import parse
from pippin.settings import Settings
from service.datasets.ingest import upload_folder
from service.http import strict_json
from service.http.body_budget import SMALL_BYTES, BodyBudget
from service.problems import Problem, invalid_request
from service.security.principal import Principal
from service.validation import parameter_items

YAML = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
"""RFC 9512, and what was usual before it."""

_Model = TypeVar("_Model", bound=BaseModel)
# FastAPI keeps the type of its parameters to itself.
_Parameter: TypeAlias = Any
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class LimitedRequest(Request):
    """A request whose body is counted as it arrives, whatever its `Content-Length` says, and whose JSON is strict.

    What is larger than `SMALL_BYTES` waits on disk for its share of the `BodyBudget`, so that neither slow senders nor
    waiting requests hold memory. Use it as a context manager, which gives the share back.
    """

    def __init__(self, request: Request, most: int) -> None:
        super().__init__(request.scope, request.receive)
        self._most = most
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.release()

    async def release(self) -> None:
        """Give back what the body holds, before work that goes on for long without it."""
        self._body = b""
        await self._stack.aclose()

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces.

        Raises:
            Problem: 413, as soon as it is known to be larger than allowed.
        """
        announced = self.headers.get("content-length", "")
        total = int(announced) if announced.isdecimal() else 0
        if total > self._most:
            raise self._too_large()
        total = 0
        async for chunk in super().stream():
            total += len(chunk)
            if total > self._most:
                raise self._too_large()
            yield chunk

    async def body(self) -> bytes:
        """The whole body, once there is memory for what it will be parsed to.

        Raises:
            Problem: 413, when it is too large, as it is or once parsed; 503, when other bodies have kept it waiting.
        """
        if not hasattr(self, "_body"):
            self._body = await self._admitted_body()
        return self._body

    async def json(self) -> Any:  # noqa: ANN401 (any JSON value)
        """The body as JSON.

        Raises:
            Problem: 400, when it is not; else as `body` does.
        """
        if not hasattr(self, "_json"):
            body = await self.body()
            # A large explicit model takes seconds to parse: on the event loop every stream would stand still, and in
            # the threads that all requests share, a few of them would keep all others waiting.
            limiter = None if len(body) <= SMALL_BYTES else self._budget.parsing
            self._json = await anyio.to_thread.run_sync(strict_json.loads, body, limiter=limiter)
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
        """An empty file on the disk of PIPPIN_HOME, which is gone when the body has arrived and was read."""
        settings = cast("Settings", self.app.state.settings)
        folder = await arrival.enter_async_context(contextmanager_in_threadpool(upload_folder(settings)))
        return arrival.enter_context((folder / "body").open("x+b"))

    @property
    def _budget(self) -> BodyBudget:
        return cast("BodyBudget", self.app.state.services.bodies)

    @property
    def _tenant(self) -> str:
        return cast("Principal", self.state.principal).tenant

    def _too_large(self) -> Problem:
        return Problem("body-too-large", f"The body may have at most {self._most:,} bytes.")


class JsonRoute(APIRoute):
    """A route whose body, if it takes one, is JSON of at most `max_body_bytes`."""

    limit = "max_body_bytes"

    def get_route_handler(self) -> _Handler:
        """The handler, behind the checks that all routes have in common."""
        handle = super().get_route_handler()
        check, takes_json = self._check, self.body_field is not None

        async def checked(request: Request) -> Response:
            check(request)
            async with LimitedRequest(request, getattr(request.app.state.settings, self.limit)) as limited:
                if takes_json and not await limited.body():
                    raise Problem("malformed-body", "The body is empty; this takes JSON.")
                return await handle(limited)

        return checked

    def _check(self, request: Request) -> None:
        parameters = _query_parameters(self.dependant)
        if odd := [*_unknown(request, parameters), *_repeated(request, parameters)]:
            raise invalid_request([*odd, *self.value_faults(request)])
        if self.body_field is not None and not is_json(request):
            raise unsupported(request, "application/json")

    def value_faults(self, request: Request) -> list[ErrorItem]:
        """What is wrong with the values of query parameters, told beside parameters that are unknown or repeated."""
        return query_faults(request)


class UploadRoute(JsonRoute):
    """A route whose body is a file, of at most `max_dataset_bytes`, which the endpoint itself reads as it arrives."""

    limit = "max_dataset_bytes"


class ModelUploadRoute(JsonRoute):
    """A route whose body is a model, of at most `max_model_bytes`, which the endpoint itself reads as it arrives."""

    limit = "max_model_bytes"


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def query_faults(request: Request) -> list[ErrorItem]:
    """What is wrong with the values of the query parameters of a request's route."""
    route = cast("APIRoute", request.scope["route"])
    return parameter_items(request_params_to_args(_query_parameters(route.dependant), request.query_params)[1])


def _unknown(request: Request, parameters: Sequence[_Parameter]) -> Iterator[ErrorItem]:
    known = sorted({parameter.alias for parameter in parameters})
    expected = f"known here: {', '.join(known)}" if known else "this takes none"
    hints = Hints()
    for name in sorted(set(request.query_params) - set(known)):
        yield ErrorItem(parameter=name, detail=f"there is no such query parameter; {expected}{hints.at(name, known)}")


def _repeated(request: Request, parameters: Sequence[_Parameter]) -> Iterator[ErrorItem]:
    """Parameters of one value that were given several, of which all but the last would be lost."""
    single = {parameter.alias for parameter in parameters if not _takes_several(parameter.field_info.annotation)}
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for name in sorted(single & counts.keys()):
        if counts[name] > 1:
            yield ErrorItem(parameter=name, detail=f"found {counts[name]} values; needs one")


def _takes_several(annotation: object) -> bool:
    return get_origin(annotation) is list or any(get_origin(each) is list for each in get_args(annotation))


def _query_parameters(dependant: Dependant) -> list[_Parameter]:
    """The query parameters that an endpoint and its dependencies take."""
    own = list(dependant.query_params)
    return [*own, *(parameter for below in dependant.dependencies for parameter in _query_parameters(below))]


def unsupported(request: Request, *supported: str) -> Problem:
    """The 415 that names what would be right."""
    found = request.headers.get("content-type") or "none"
    return Problem(
        "unsupported-media-type",
        f"Send {' or '.join(supported)} and say so in Content-Type; found {found}.",
        headers={"accept": ", ".join(supported)},
    )


def media_type(request: Request) -> str:
    """The body's media type in lower case, without parameters; "" when the request has none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(request: Request) -> bool:
    """Whether the body says that it is JSON."""
    name = media_type(request)
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))


def is_yaml(request: Request) -> bool:
    """Whether the body is said to be YAML."""
    return media_type(request) in YAML


def optional(kind: type[_Model]) -> Callable[[Request], Coroutine[Any, Any, _Model]]:
    """A dependency that gives what a JSON body asks for; the body may be left out, and then asks for what is usual."""

    async def asked(request: Request) -> _Model:
        if not await request.body():
            return kind()
        if not is_json(request):
            raise unsupported(request, "application/json")
        return parse(kind, await request.json())

    return asked
