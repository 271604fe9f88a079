"""What pydantic finds wrong with a request, told as faults."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pippin.faults import Fault, FaultyDocumentError
from pippin.spec.explain import explain, shown
from service.problems import ErrorItem

T = TypeVar("T", bound=BaseModel)


def parse(kind: type[T], document: object) -> T:
    """`document` as a value of `kind`.

    Raises:
        FaultyDocumentError: With every fault, each with a pointer from the document's root.
    """
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        faults = _without_other_branches(explain(error, kind, document))
        raise FaultyDocumentError("the document has faults", faults) from None


def parameter_items(errors: Iterable[Mapping[str, Any]]) -> list[ErrorItem]:
    """The faults that FastAPI found in query parameters and headers."""
    return [
        ErrorItem(
            parameter=str(error["loc"][1]),
            detail=_parameter_detail(error),
        )
        for error in errors
    ]


def _parameter_detail(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "this is required and was not given"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return f"found {shown(error['input'])}; {error['msg'].replace('Input should', 'it should')}"


def _without_other_branches(faults: Iterable[Fault]) -> list[Fault]:
    """Of a union that none of its branches fits, what is wrong with those that got furthest into the value."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(fault.pointer, []).append(fault.detail)
    deepest = [place for place in found if not any(other.startswith(f"{place}/") for other in found)]
    return [Fault(place, "; or ".join(dict.fromkeys(found[place]))) for place in deepest]
