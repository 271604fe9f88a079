"""Route classes that limit the size of the body and check every query parameter."""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from pippin.api.problems import ErrorItem
from pippin.documents.hints import Hints
from pippin.models.spec.explain import detail_of
from service.http.bodies import LimitedRequest
from service.http.media_types import is_json, unsupported
from service.problems import Problem, invalid_request

_Parameter: TypeAlias = Any  # FastAPI does not export this type.
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """A route whose body, if it takes one, is JSON of at most `max_body_bytes`."""

    limit = "max_body_bytes"

    def get_route_handler(self) -> _Handler:
        """The handler, preceded by the checks that all routes share."""
        handle = super().get_route_handler()
        check, takes_json = self._check, self.body_field is not None

        async def checked(request: Request) -> Response:
            check(request)
            async with LimitedRequest(request, getattr(request.app.state.settings, self.limit)) as limited:
                if takes_json and not await limited.body():
                    raise Problem("malformed-body", "The body is empty; needs JSON.")
                return await handle(limited)

        return checked

    def _check(self, request: Request) -> None:
        parameters = _query_parameters(self.dependant)
        if faults := [*_unknown(request, parameters), *_repeated(request, parameters)]:
            raise invalid_request([*faults, *self.value_faults(request)])
        if self.body_field is not None and not is_json(request):
            raise unsupported(request, "application/json")

    def value_faults(self, request: Request) -> list[ErrorItem]:
        """The faults of parameter values, reported together with unknown and repeated parameters."""
        return query_faults(request)


class UploadRoute(JsonRoute):
    """A route whose body is a file of at most `max_dataset_bytes`, which the endpoint reads as it arrives."""

    limit = "max_dataset_bytes"


class ModelUploadRoute(JsonRoute):
    """A route whose body is a model of at most `max_model_bytes`, which the endpoint reads as it arrives."""

    limit = "max_model_bytes"


def query_faults(request: Request) -> list[ErrorItem]:
    """The faults in the values of a request's query parameters."""
    route = cast("APIRoute", request.scope["route"])
    return parameter_items(request_params_to_args(_query_parameters(route.dependant), request.query_params)[1])


def _unknown(request: Request, parameters: Sequence[_Parameter]) -> Iterator[ErrorItem]:
    names = sorted({parameter.alias for parameter in parameters})
    expected = f"the parameters are {', '.join(names)}" if names else "this operation has none"
    hints = Hints()
    for name in sorted(set(request.query_params) - set(names)):
        yield ErrorItem(
            parameter=name, detail=f"there is no such query parameter; {expected}{hints.text_for(name, names)}"
        )


def _repeated(request: Request, parameters: Sequence[_Parameter]) -> Iterator[ErrorItem]:
    """Parameters that take one value and have several, of which FastAPI would use only the last."""
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


def parameter_items(errors: Iterable[Mapping[str, Any]]) -> list[ErrorItem]:
    """The faults in query parameters and headers that FastAPI reports."""
    hints = Hints()
    return [
        ErrorItem(
            parameter=str(error["loc"][1]),
            detail="is required" if error["type"] == "missing" else detail_of(error, hints),
        )
        for error in errors
    ]
