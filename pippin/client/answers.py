"""What the service answers, beside the job, the manifest and the worker, which the service shares with its clients."""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from pippin.jobs.metrics import EpochMetrics
from pippin.jobs.states import Status

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    model_config = ConfigDict(frozen=True)

    data: list[T]
    has_more: bool = False
    next: str | None = None


class JobMetrics(BaseModel):
    """The epoch metrics of a job so far, oldest first."""

    model_config = ConfigDict(frozen=True)

    job: str
    status: Status
    data: list[EpochMetrics]


class Event(BaseModel):
    """An entry in a job's stream."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    data: dict[str, JsonValue]


class Worker(BaseModel):
    """A worker that is alive."""

    model_config = ConfigDict(frozen=True)

    name: str
    host: str
    os: str
    chip: str | None
    engines: list[str]
    state: str
    current_job: str | None
    last_heartbeat: datetime
