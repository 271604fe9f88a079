"""A record that a list cannot show, as the REST contract has it."""

from pydantic import BaseModel, ConfigDict, Field


class UnreadableEntry(BaseModel):
    """A record that is there and cannot be read: it is damaged, or was written by a newer Pippin."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Of the record; it can be deleted by it.")
    detail: str = Field(description="Why it cannot be read, and what to do.")
