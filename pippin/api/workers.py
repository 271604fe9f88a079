"""A worker in the REST interface."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pippin.api.pages import UnreadableEntry


class Drain(StrEnum):
    """What a draining worker does with its current job."""

    FINISH = "finish"  # train the job to its end
    HAND_BACK = "hand_back"  # give the job back at once, with a checkpoint


class DrainRequest(BaseModel):
    """How a worker drains, that is, takes no more jobs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hand_back: bool = Field(
        default=False,
        strict=True,
        description="Hand the current job back at once, with a checkpoint, so that another worker can resume it; else "
        "the worker trains it to the end.",
    )


# Texts from the operating system have no length limit of their own.
Label = Annotated[str, AfterValidator(lambda text: text[:200])]


class WorkerReport(BaseModel):
    """The report of a worker, sent with every heartbeat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Label = Field(description="Unique; a restarted worker has a new name.")
    host: Label
    os: Label = Field(description="System and version, such as `macOS 26.1` or `Linux 6.12`.")
    chip: Label = Field(description="The hardware, such as `Apple M4`, `x86_64` or the name of a GPU.")
    engines: list[Label] = Field(description="The engines of the worker.")
    compute_units: list[Label] = Field(
        default_factory=list,
        description="Available compute units: for Core ML the values of a job's `compute_units`; for jax the GPU's "
        "name, or `cpu_only`.",
    )
    state: Literal["starting", "idle", "busy", "draining", "drained"] = Field(
        description="`draining`: takes no more jobs, and still has one or is about to stop; `drained`: has no job, "
        "and keeps running without work."
    )
    current_job: str | None
    pid: int
    started_at: datetime


class Worker(WorkerReport):
    """A worker that has reported in the last two minutes."""

    last_heartbeat: datetime = Field(description="Time of the last heartbeat by the clock of Redis.")


class WorkerList(BaseModel):
    """Every worker that has reported in the last two minutes."""

    model_config = ConfigDict(frozen=True)

    data: list[Worker]
    unreadable: list[UnreadableEntry] = Field(
        default=[], description="Workers whose report cannot be read: it is damaged, or from a newer Pippin."
    )
