"""A page of a list."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class UnreadableEntry(BaseModel):
    """A record that exists but cannot be read: it is damaged, or was written by a newer Pippin."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Id of the record, with which it can be deleted.")
    detail: str = Field(description="Why the record cannot be read, and what to do.")


class Page(BaseModel, Generic[T]):
    """A page of a list, newest first."""

    model_config = ConfigDict(frozen=True)

    data: list[T]
    has_more: bool = Field(description="Whether older records follow.")
    next: str | None = Field(description="Value of `after` for the next page; null on the last page.")
    unreadable: list[UnreadableEntry] = Field(
        default=[], description="Records of this page that exist but cannot be read."
    )
