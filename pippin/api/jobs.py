"""A job in the REST interface."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pippin.api.checkpoints import Resumption, StoredCheckpoint
from pippin.api.engines import EngineName
from pippin.api.metrics import EpochMetrics
from pippin.api.pages import Page
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Reason, Status

Variant = Literal["trained", "initial", "inference"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_MAX_CHARACTERS = 2000


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


# An engine's message may contain a whole document, and is stored with the job, its attempt and two events.
ShortText = Annotated[str, AfterValidator(_cut)]


class Failure(_Value):
    """Why a job or an attempt failed."""

    code: Reason
    detail: ShortText = Field(description="Explanation in one sentence.")


class Progress(_Value):
    """The progress of a job in epochs."""

    epoch: int = Field(ge=0, description="The last finished epoch; 0 before the first one ends.")
    epochs: int = Field(ge=1)


class Attempt(_Value):
    """An attempt of one worker to train a job."""

    number: int = Field(ge=1)
    worker: str
    engine: str
    status: Literal["starting", "running", "succeeded", "failed", "cancelled", "paused", "lost", "handed_back"]
    reason: Failure | None
    resumed_from: Resumption | None = Field(
        description="The checkpoint from which the attempt resumed; null if it began with the first epoch."
    )
    started_at: datetime
    ended_at: datetime | None


class Transition(_Value):
    """A transition from one state to the next."""

    from_: Status | None = Field(alias="from", description="The previous state; null for the first transition.")
    to: Status
    at: datetime

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


class Artifact(_Value):
    """A file that a job made."""

    variant: Variant
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    url: str = Field(description="Path of the download, relative to the service.")


class Job(_Value):
    """A job: its request, its state and its artifacts."""

    id: str
    name: str | None
    status: Status
    reason: Failure | None
    engine: str | None = Field(description="The engine that trains the job; null until an engine takes an `auto` job.")
    labels: dict[str, str]
    request: ResolvedRequest
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    retry_of: str | None
    progress: Progress
    latest_metrics: EpochMetrics | None
    waiting_for: str | None = Field(
        description="What a queued job waits for, in a sentence; null if nothing is missing."
    )
    notice: str | None = Field(
        default=None,
        description="Assumptions about the dataset and ignored parts of the request, in sentences; null if there are "
        "none.",
    )
    missing_epochs: int = Field(
        default=0,
        ge=0,
        description="Number of epochs of a succeeded job without metrics, because the records were restored from an "
        "older copy during the training; 0 if none is missing.",
    )
    checkpoint: StoredCheckpoint | None = Field(
        default=None,
        description="The newest checkpoint, from which the next attempt resumes; null before the first one.",
    )
    attempts: list[Attempt]
    transitions: list[Transition]
    artifacts: list[Artifact]

    @property
    def engines_left(self) -> list[EngineName]:
        """The engines that may train the job from now on, the preferred one first: only one can resume a checkpoint."""
        if self.checkpoint is None:
            return self.request.engines
        return [engine for engine in self.request.engines if engine == self.checkpoint.engine]


class JobPage(Page[Job]):
    """A page of jobs, newest first."""
