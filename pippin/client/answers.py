"""What the service answers, beside the values that all of Pippin shares: jobs, manifests, workers."""

import logging
from functools import lru_cache
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from pippin.api.metrics import EpochMetrics
from pippin.api.pages import UnreadableEntry
from pippin.api.states import Status

T = TypeVar("T")
_log = logging.getLogger(__name__)

ModelForm = Literal["pippin", "swiftcoremltools"]
"""The languages in which the service tells a model."""


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    model_config = ConfigDict(frozen=True)

    data: list[T]
    has_more: bool = False
    next: str | None = None
    unreadable: list[UnreadableEntry] = []

    def warn_of_unreadable(self) -> None:
        """Log which records of the list the service could not read, each of them once."""
        for each in self.unreadable:
            _warn(each.id, each.detail)


@lru_cache(1000)
def _warn(_: str, detail: str) -> None:
    _log.warning("%s", detail)


class Preview(BaseModel):
    """Some examples of a dataset.

    Attributes:
        examples: Of each one, feature name -> its values as stored, nested by the feature's shape.
        truncated: The features of which an example is too large to show: they have their first values only, in a row.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    split: str
    examples: list[dict[str, JsonValue]]
    truncated: list[str] = []


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
