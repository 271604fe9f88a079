"""A page of a list."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class UnreadableEntry(BaseModel):
    """A record that exists but cannot be read: it is damaged, or was written by a newer Pippin."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Of the record; it can be deleted by it.")
    detail: str = Field(description="Why it cannot be read, and what to do.")


class Page(BaseModel, Generic[T]):
    """A page of a list, newest first."""

    model_config = ConfigDict(frozen=True)

    data: list[T]
    has_more: bool = Field(description="Whether older ones follow.")
    next: str | None = Field(description="Give it as `after` for the page that follows; null on the last.")
    unreadable: list[UnreadableEntry] = Field(
        default=[], description="Records of this page that are there and cannot be read."
    )
