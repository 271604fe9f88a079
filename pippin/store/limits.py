"""How much of Redis a record, a job and a tenant may take."""

from dataclasses import dataclass
from typing import Self

from pippin.settings import Settings


@dataclass(frozen=True)
class StoreLimits:
    """Limits that the store keeps to, whatever a client or a worker sends.

    Attributes:
        record_bytes: The largest record of a dataset or a model, and the largest request and spec of a job.
        job_bytes: What one job may hold before its log lines and mini-batch losses are dropped; epochs never are.
        tenant_bytes: What one tenant may hold before it can add no more; its running jobs go on recording.
        log_lines: Of one attempt.
        sessions: Open sessions of browsers that stand for one token.
    """

    record_bytes: int = 2**20
    job_bytes: int = 16 * 2**20
    tenant_bytes: int = 256 * 2**20
    log_lines: int = 1000
    sessions: int = 100

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings ask for."""
        return cls(
            record_bytes=settings.max_record_bytes,
            job_bytes=settings.max_job_bytes,
            tenant_bytes=settings.max_tenant_bytes,
            log_lines=settings.max_log_lines,
            sessions=settings.max_sessions,
        )
