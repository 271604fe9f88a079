"""Events of a job in the REST interface."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pippin.api.states import Status


class Event(BaseModel):
    """An event in a stream, including `end`, which closes the stream."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    data: dict[str, JsonValue]


class EventRow(BaseModel):
    """An event of a job."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Position in the job's stream; `after` takes it to read newer events.")
    type: str = Field(description="state, epoch, log, artifact or checkpoint; clients ignore unknown types.")
    time: str
    data: dict[str, Any]


class JobEvents(BaseModel):
    """The events of a job so far."""

    model_config = ConfigDict(frozen=True)

    job: str
    status: Status
    data: list[EventRow] = Field(description="Oldest first.")
    has_more: bool = Field(description="Whether more events follow that did not fit into this document.")
    next: str | None = Field(description="Value of `after` for the following events; null if there are none.")
