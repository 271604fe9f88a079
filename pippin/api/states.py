"""The states of a job, and the reasons for failure."""

from enum import StrEnum


class Status(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job will never change again."""
        return self in {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED}


class Reason(StrEnum):
    """Why a job failed. The user can correct the first five reasons; the others are faults of the machine."""

    INVALID_MODEL = "invalid_model"
    INVALID_DATA = "invalid_data"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    ENGINE_ERROR = "engine_error"
