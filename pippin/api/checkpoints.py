"""Checkpoints of a job."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pippin.api.metrics import EpochMetrics


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredCheckpoint(_Value):
    """A checkpoint in the blob store, from which a job can resume."""

    epoch: int = Field(ge=0, description="How many epochs are finished.")
    step: int = Field(ge=0, description="How many mini-batches of the next epoch were taken; 0 at an epoch's end.")
    engine: str = Field(description="The engine that made it, and that goes on from it.")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    created_at: datetime


class KeptCheckpoint(_Value):
    """A checkpoint of an epoch's end, which clients can download as a model."""

    epoch: int = Field(ge=0, description="The epoch at whose end it was made.")
    engine: str = Field(description="The engine that made it.")
    bytes: int = Field(ge=0, description="Of the checkpoint, optimizer state included; its model is smaller.")
    created_at: datetime
    url: str = Field(description="Where its `.mlmodel` is, relative to the service.")
    metrics: EpochMetrics | None = Field(description="What the epoch measured; null where an earlier job trained it.")


class CheckpointList(BaseModel):
    """The kept checkpoints of a job, one for each kept epoch's end."""

    model_config = ConfigDict(frozen=True)

    data: list[KeptCheckpoint] = Field(description="Oldest first.")


class Resumption(_Value):
    """The checkpoint from which an attempt resumed."""

    epoch: int = Field(ge=0, description="How many epochs were finished.")
    step: int = Field(ge=0, description="How many mini-batches of the next epoch had been taken.")
    notice: str | None = Field(
        description="Why this is not bit for bit what it would have been without the break; null when it is."
    )
