"""What the service answers, beside the values that all of Pippin shares: jobs, manifests, workers."""

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from pippin.jobs.metrics import EpochMetrics
from pippin.jobs.states import Status

T = TypeVar("T")

ModelForm = Literal["pippin", "swiftcoremltools"]
"""The languages in which the service tells a model."""


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
    next: str | None = None


class Event(BaseModel):
    """An entry in a job's stream as it arrives: `end`, which closes a stream, is one too."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    data: dict[str, JsonValue]
