"""How requests are read: within limits, by media type, as strict JSON, and with no query parameter unknown."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.http import strict_json
from service.problems import ErrorItem, Problem, invalid_request
from service.validation import parse

YAML = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
"""RFC 9512, and what was usual before it."""

_Model = TypeVar("_Model", bound=BaseModel)
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class LimitedRequest(Request):
    """A request whose body is counted as it arrives, whatever its `Content-Length` says, and whose JSON is strict."""

    def __init__(self, request: Request, most: int) -> None:
        super().__init__(request.scope, request.receive)
        self._most = most

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

    async def json(self) -> Any:  # noqa: ANN401 (any JSON value)
        """The body as JSON.

        Raises:
            Problem: 400, when it is not.
        """
        if not hasattr(self, "_json"):
            # A large explicit model takes a second to parse, in which every stream would stand still.
            self._json = await run_in_threadpool(strict_json.loads, await self.body())
        return self._json

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
            limited = LimitedRequest(request, getattr(request.app.state.settings, self.limit))
            if takes_json and not await limited.body():
                raise Problem("malformed-body", "The body is empty; this takes JSON.")
            return await handle(limited)

        return checked

    def _check(self, request: Request) -> None:
        known = _query_names(self.dependant)
        if unknown := sorted(set(request.query_params) - known):
            expected = f"known here: {', '.join(sorted(known))}" if known else "this takes none"
            raise invalid_request(
                ErrorItem(parameter=name, detail=f"there is no such query parameter; {expected}") for name in unknown
            )
        if self.body_field is not None and not is_json(request):
            raise unsupported(request, "application/json")


class UploadRoute(JsonRoute):
    """A route whose body is a file, of at most `max_dataset_bytes`, which the endpoint itself reads as it arrives."""

    limit = "max_dataset_bytes"


class ModelUploadRoute(JsonRoute):
    """A route whose body is a model, of at most `max_model_bytes`, which the endpoint itself reads as it arrives."""

    limit = "max_model_bytes"


def _query_names(dependant: Dependant) -> set[str]:
    """The query parameters that an endpoint and its dependencies take."""
    own = {parameter.alias for parameter in dependant.query_params}
    return own.union(*map(_query_names, dependant.dependencies))


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
