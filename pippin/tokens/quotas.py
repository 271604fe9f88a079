"""How much a token may use."""

from pydantic import BaseModel, ConfigDict, Field


class Quotas(BaseModel):
    """The limits of one token; None sets none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued_jobs: int | None = Field(default=None, ge=0, description="Most of its jobs that may wait for a worker.")
    active_jobs: int | None = Field(
        default=None, ge=0, description="Most of its jobs that may wait or run, together: no more can then ever run."
    )
    stored_bytes: int | None = Field(default=None, ge=0, description="Most bytes of datasets and models that it added.")
    requests_per_minute: int | None = Field(default=None, ge=1, description="Most requests a minute.")
