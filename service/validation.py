"""Converts pydantic's errors of a request to faults."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from pippin.api.problems import ErrorItem
from pippin.documents.hints import Hints
from pippin.models.spec.explain import detail_of

T = TypeVar("T", bound=BaseModel)


def parameter_items(errors: Iterable[Mapping[str, Any]]) -> list[ErrorItem]:
    """The faults that FastAPI found in query parameters and headers."""
    hints = Hints()
    return [
        ErrorItem(
            parameter=str(error["loc"][1]),
            detail="this is required and was not given" if error["type"] == "missing" else detail_of(error, hints),
        )
        for error in errors
    ]
