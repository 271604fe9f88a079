"""Reads the valid parts of a document with faults, so that the faults of all parts can be reported together."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def valid_or_none(value: object, validate: Callable[[object], T]) -> T | None:
    """The validated value; None for a value with a fault."""
    try:
        return validate(value)
    except ValidationError:
        return None


def without_faulty_fields(value: object, kind: type[M]) -> M | None:
    """`value` as a `kind`, without the fields that have faults; None where the rest is not a valid `kind`."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faulty = {details["loc"][0] for details in error.errors(include_url=False) if details["loc"]}
    if not isinstance(value, dict) or faulty.isdisjoint(value):
        return None
    rest = {name: member for name, member in value.items() if name not in faulty}
    return valid_or_none(rest, kind.model_validate)
