"""Use of token quotas, counted in the transaction that uses more.

Nothing is counted down: the next check of a quota finds which jobs have ended and which records were deleted.
"""

from dataclasses import dataclass

from redis.client import Pipeline

from pippin.api.states import Status
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import QuotaExceeded


@dataclass(frozen=True)
class JobQuota:
    """A token's limit of jobs.

    Attributes:
        token_id: The id of the token.
        queued: Maximum number of jobs that wait for a worker; None for no limit.
        active: Maximum number of jobs that wait or run; None for no limit.
    """

    token_id: str
    queued: int | None
    active: int | None

    def key(self, tenant: str) -> str:
        """The key to WATCH from before `require` to the EXEC."""
        return keys.jobs_of_token(tenant, self.token_id)

    def require(self, pipe: Pipeline, tenant: str) -> list[str]:
        """Check that the quota allows one more job, reading under WATCH.

        Returns:
            Jobs that have ended or were deleted, to be removed by `record`.

        Raises:
            QuotaExceeded: The quota does not allow another job.
        """
        # Under WATCH a pipeline returns the reply at once; redis-py's types do not say so.
        ids = sorted(str(each) for each in pipe.smembers(self.key(tenant)))
        states = {job_id: pipe.hget(keys.job(tenant, job_id).job, "status") for job_id in ids}
        active = {job_id: Status(str(state)) for job_id, state in states.items() if state is not None}
        active = {job_id: state for job_id, state in active.items() if not state.is_final}
        queued = sum(state is Status.QUEUED for state in active.values())
        if self.queued is not None and queued >= self.queued:
            raise QuotaExceeded(
                f"{queued} of this token's jobs wait for a worker, which is the quota; wait until one starts"
            )
        if self.active is not None and len(active) >= self.active:
            raise QuotaExceeded(
                f"{len(active)} of this token's jobs wait or run, which is the quota; wait until one ends"
            )
        return [job_id for job_id in ids if job_id not in active]

    def record(self, pipe: Pipeline, tenant: str, job_id: str, ended: list[str]) -> None:
        """Count one more job, in the MULTI that makes it."""
        pipe.sadd(self.key(tenant), job_id)
        if ended:
            pipe.srem(self.key(tenant), *ended)


@dataclass(frozen=True)
class ByteQuota:
    """A token's limit of uploaded bytes, over datasets and models.

    Attributes:
        token_id: The id of the token.
        bytes: Maximum number of bytes.
    """

    token_id: str
    bytes: int

    def key(self, tenant: str) -> str:
        """The key to WATCH from before `require` to the EXEC."""
        return keys.bytes_of_token(tenant, self.token_id)

    def require(self, reader: Client | Pipeline, tenant: str, size: int) -> list[str]:
        """Check that the quota allows `size` more bytes.

        Args:
            reader: A client, or a pipeline under WATCH: both return replies at once.
            tenant: The tenant of the token.
            size: Size of the upload in bytes.

        Returns:
            Keys of records that were deleted, to be removed by `record`.

        Raises:
            QuotaExceeded: The quota does not allow the upload.
        """
        noted = {str(key): int(used) for key, used in reader.hgetall(self.key(tenant)).items()}
        gone = [key for key in noted if not reader.exists(key)]
        used = sum(noted.values()) - sum(noted[key] for key in gone)
        if used + size > self.bytes:
            raise QuotaExceeded(
                f"this token has stored {used:,} of the {self.bytes:,} bytes of its quota, and {size:,} more would "
                "exceed it; delete a dataset or a model"
            )
        return gone

    def record(self, pipe: Pipeline, tenant: str, record_key: str, size: int, gone: list[str]) -> None:
        """Count `size` more bytes, in the MULTI that makes the record with this key."""
        pipe.hset(self.key(tenant), record_key, str(size))
        if gone:
            pipe.hdel(self.key(tenant), *gone)
