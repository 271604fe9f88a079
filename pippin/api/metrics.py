"""Metrics of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from pippin.api.states import Status


class EpochMetrics(BaseModel):
    """Metrics of a finished epoch. A loss that is not finite is null, and `diverged` is true.

    The loss is also null for a model without a loss, such as a nearest-neighbour classifier.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int = Field(ge=1, description="Counts from 1.")
    epochs: int = Field(ge=1, description="Number of epochs that the job trains.")
    loss: float | None = Field(description="Mean training loss over the epoch's examples.")
    validation_loss: float | None = Field(description="Mean loss over the validation split; null without one.")
    validation_accuracy: float | None = Field(
        ge=0,
        le=1,
        description="Share of validation examples whose largest output is the label; null where it has no meaning.",
    )
    examples_per_second: float = Field(ge=0, description="Training examples a second, validation not counted.")
    seconds: float = Field(ge=0, description="Wall time of the epoch, validation included.")
    learning_rate: float | None = Field(description="The learning rate of the epoch; null for a model without one.")
    engine: str
    attempt: int = Field(ge=1)
    time: datetime
    diverged: bool = False


@dataclass(frozen=True)
class BatchLosses:
    """The losses of an epoch's mini-batches, or of every n-th mini-batch.

    Attributes:
        losses: The losses in order.
        every: Distance of the mini-batches: 1 when every loss is included. The first loss is that of mini-batch number
            `every`, the next that of `2 * every`.
        count: Number of mini-batches of the epoch.
    """

    losses: Sequence[float]
    every: int
    count: int

    @classmethod
    def of(cls, losses: Sequence[float], max_count: int) -> Self:
        """All of `losses`, or evenly spaced ones: at most `max_count`."""
        every = max(1, -(-len(losses) // max_count))
        return cls(losses[every - 1 :: every], every, len(losses))


class EpochRow(EpochMetrics):
    """An epoch's metrics, with its mini-batch losses where they were requested."""

    batch_losses: list[float | None] | None = Field(
        default=None,
        exclude_if=lambda losses: losses is None,
        description="Only with `batches=true`; null if the job does not record them, or if they were dropped.",
    )
    batch_every: int | None = Field(
        default=None,
        exclude_if=lambda every: every is None,
        description="Step between the mini-batches of these losses: 1 if all losses are included; more than "
        "PIPPIN_MAX_BATCH_LOSSES are reduced to evenly spaced ones. The first loss is that of mini-batch number "
        "`batch_every`.",
    )


class JobMetrics(BaseModel):
    """The metrics of a job's epochs so far."""

    model_config = ConfigDict(frozen=True)

    job: str
    status: Status
    data: list[EpochRow] = Field(description="Oldest first.")
    has_more: bool = Field(description="Whether more epochs follow that did not fit into this document.")
    next: str | None = Field(description="Value of `after` for the following epochs; null if there are none.")
