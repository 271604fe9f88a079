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

    id: str = Field(description="Its place in the job's stream: `after` it come those that are newer.")
    type: str = Field(description="state, epoch, log, artifact or checkpoint; clients pass over what they do not know.")
    time: str
    data: dict[str, Any]


class JobEvents(BaseModel):
    """The events of a job so far."""

    model_config = ConfigDict(frozen=True)

    job: str
    status: Status
    data: list[EventRow] = Field(description="Oldest first.")
    has_more: bool = Field(description="Whether events follow for which this document had no more room.")
    next: str | None = Field(description="Give it as `after` for those that follow; null with the last.")
