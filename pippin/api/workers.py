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
        description="Give the current job back at once, with a checkpoint, for another worker to go on with; else it "
        "is trained to its end.",
    )


# Texts from the operating system have no length limit of their own.
Label = Annotated[str, AfterValidator(lambda text: text[:200])]


class WorkerReport(BaseModel):
    """The report of a worker, sent with every heartbeat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Label = Field(description="Unique; a worker that starts again has a new one.")
    host: Label
    os: Label = Field(description="System and version, such as `macOS 26.1` or `Linux 6.12`.")
    chip: Label = Field(description="What it computes on, such as `Apple M4`, `x86_64` or the name of a GPU.")
    engines: list[Label] = Field(description="The engines that it can train with.")
    compute_units: list[Label] = Field(
        default_factory=list,
        description="What it can compute on: of Core ML the values of a job's `compute_units`; of jax the GPU's name, "
        "or `cpu_only`.",
    )
    state: Literal["starting", "idle", "busy", "draining", "drained"] = Field(
        description="`draining`: takes no more jobs, and still has one or is about to leave; `drained`: has none, and "
        "stays up without work."
    )
    current_job: str | None
    pid: int
    started_at: datetime


class Worker(WorkerReport):
    """A worker that has reported in the last two minutes."""

    last_heartbeat: datetime = Field(description="By the clock of Redis.")


class WorkerList(BaseModel):
    """Every worker that has reported in the last two minutes."""

    model_config = ConfigDict(frozen=True)

    data: list[Worker]
    unreadable: list[UnreadableEntry] = Field(
        default=[], description="Workers whose report cannot be read: it is damaged, or of a newer Pippin."
    )
