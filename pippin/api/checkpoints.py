"""Checkpoints of a job."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pippin.api.metrics import EpochMetrics


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredCheckpoint(_Value):
    """A checkpoint in the blob store, from which a job can resume."""

    epoch: int = Field(ge=0, description="Number of finished epochs.")
    step: int = Field(
        ge=0, description="Number of mini-batches of the next epoch that were trained; 0 at an epoch's end."
    )
    engine: str = Field(description="The engine that made the checkpoint; only this engine can resume from it.")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    created_at: datetime


class KeptCheckpoint(_Value):
    """A checkpoint of an epoch's end, which clients can download as a model."""

    epoch: int = Field(ge=0, description="The epoch at whose end the checkpoint was made.")
    engine: str = Field(description="The engine that made the checkpoint.")
    bytes: int = Field(
        ge=0, description="Size of the checkpoint, including the optimizer's state; its model is smaller."
    )
    created_at: datetime
    url: str = Field(description="Path of its `.mlmodel`, relative to the service.")
    metrics: EpochMetrics | None = Field(description="Metrics of the epoch; null if an earlier job trained it.")


class CheckpointList(BaseModel):
    """The kept checkpoints of a job, one for each kept epoch's end."""

    model_config = ConfigDict(frozen=True)

    data: list[KeptCheckpoint] = Field(description="Oldest first.")


class Resumption(_Value):
    """The checkpoint from which an attempt resumed."""

    epoch: int = Field(ge=0, description="Number of epochs that were finished.")
    step: int = Field(ge=0, description="Number of mini-batches of the next epoch that had been trained.")
    notice: str | None = Field(
        description="Why the result may differ from that of an uninterrupted training; null if it is identical bit "
        "for bit."
    )
