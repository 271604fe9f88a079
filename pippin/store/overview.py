"""Numbers of the whole installation for monitoring. Reads only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pippin.api.states import Status
from pippin.store import keys
from pippin.store.blob_ledger import BlobLedger, BlobStats, BlobUsage, SweepReport
from pippin.store.client import Client
from pippin.store.counters import MISSING_EPOCHS, EpochTimes, all_fields, epoch_times, jobs_missing_epochs, losses
from pippin.store.queues import QUEUES, Queues
from pippin.store.usage import KINDS, StoredBytes, StoreLimits, field_of
from pippin.store.workers import Workers


@dataclass(frozen=True)
class Overview:
    """The numbers at one moment.

    Attributes:
        jobs: Number of jobs by status.
        waiting: Number of attempts in each engine's queue.
        oldest_wait_seconds: How long the longest waiting job has been queued; 0 when no job is queued.
        workers: Number of live workers by engine and state.
        losses: Number of lost attempts so far, by reason.
        epochs: Durations of epochs so far, by engine.
        missing_epochs: Number of jobs so far that succeeded although some of their epochs have no metrics.
        blobs: Contents of the blob store at the last count; None before the first count.
        sweep: Result of the last sweep of the blob store; None before the first sweep.
        stored_bytes: Bytes that each tenant holds in Redis.
        tenant_limit_bytes: Bytes that a tenant may hold.
        memory_bytes: Memory that Redis uses.
        memory_limit_bytes: Memory that Redis may use; 0 when there is no limit.
    """

    jobs: Mapping[Status, int]
    waiting: Mapping[str, int]
    oldest_wait_seconds: float
    workers: Mapping[tuple[str, str], int]
    losses: Mapping[str, int]
    epochs: Mapping[str, EpochTimes]
    missing_epochs: int
    blobs: BlobUsage | None
    sweep: SweepReport | None
    stored_bytes: Mapping[str, int]
    tenant_limit_bytes: int
    memory_bytes: int
    memory_limit_bytes: int


class Overviews:
    """Reads overviews with a number of commands that does not grow with the number of jobs."""

    def __init__(
        self,
        client: Client,
        queues: Queues,
        workers: Workers,
        blob_stats: BlobStats,
        *,
        blob_ledger: BlobLedger,
        limits: StoreLimits,
    ) -> None:
        self._client = client
        self._queues = queues
        self._workers = workers
        self._blob_stats = blob_stats
        self._blob_ledger = blob_ledger
        self._limits = limits

    def missing_epochs(self) -> int:
        """Number of jobs that succeeded although some of their epochs have no metrics."""
        tenants = [str(tenant) for tenant in self._client.smembers(keys.TENANTS)]
        with self._client.pipeline(transaction=False) as pipe:
            for tenant in tenants:
                pipe.hget(keys.counters(tenant), MISSING_EPOCHS)
            counts = pipe.execute()
        return jobs_missing_epochs({MISSING_EPOCHS: count} for count in counts if count)

    def read(self) -> Overview:
        """The numbers at this moment."""
        tenants = [str(tenant) for tenant in self._client.smembers(keys.TENANTS)]
        fields = [*all_fields(), *map(field_of, KINDS)]
        with self._client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.zrange(keys.QUEUED, 0, 0, withscores=True)
            pipe.info("memory")
            for tenant in tenants:
                pipe.hmget(keys.counters(tenant), fields)
                for status in Status:
                    pipe.zcard(keys.jobs_by_status(tenant, status))
            (seconds, microseconds), oldest, memory, *answers = pipe.execute()
        step = 1 + len(Status)
        counted = [answers[n : n + step] for n in range(0, len(answers), step)]
        hashes = [
            {field: value for field, value in zip(fields, each[0], strict=True) if value is not None}
            for each in counted
        ]
        now = seconds + microseconds / 1e6
        return Overview(
            jobs={status: sum(each[n] for each in counted) for n, status in enumerate(Status, start=1)},
            waiting=dict(zip(QUEUES, self._queues.lengths(QUEUES.values()), strict=True)),
            oldest_wait_seconds=max(0.0, now - oldest[0][1] / 1e6) if oldest else 0.0,
            workers=Counter((engine, worker.state) for worker in self._workers.alive() for engine in worker.engines),
            losses=losses(hashes),
            epochs=epoch_times(hashes),
            missing_epochs=jobs_missing_epochs(hashes),
            blobs=self._blob_stats.last(),
            sweep=self._blob_ledger.last_report(),
            stored_bytes={
                tenant: StoredBytes.read(counters).total for tenant, counters in zip(tenants, hashes, strict=True)
            },
            tenant_limit_bytes=self._limits.tenant_bytes,
            memory_bytes=memory["used_memory"],
            memory_limit_bytes=memory["maxmemory"],
        )
