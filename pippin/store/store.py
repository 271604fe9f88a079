"""The store as one object."""

from pippin.api.datasets import StoredManifest
from pippin.models.record import StoredModel
from pippin.store import clock
from pippin.store.attempts import Attempts
from pippin.store.blob_ledger import BlobLedger, BlobStats
from pippin.store.client import Client
from pippin.store.events import Events
from pippin.store.idempotency import IdempotencyKeys
from pippin.store.jobs import Jobs
from pippin.store.leases import JobMembers, Leases
from pippin.store.named import NamedRecords, Samples
from pippin.store.overview import Overviews
from pippin.store.queues import Queues
from pippin.store.reaping import Reaping
from pippin.store.references import References
from pippin.store.retention import Released, Retention
from pippin.store.scripts import Scripts
from pippin.store.tokens import Tokens
from pippin.store.usage import StoreLimits, Usage
from pippin.store.workers import Workers

_DEFAULT_LIMITS = StoreLimits()


class Store:
    """All of Pippin's data in Redis, by subject. Thread-safe; a forked child must make its own store.

    Every method of every part raises StoreUnavailable when Redis cannot be reached.

    Attributes:
        redis: The connection.
        jobs: Submit, read, list, cancel, pause, resume and delete jobs.
        attempts: The writes of the worker that holds a job.
        events: The event streams of jobs.
        datasets: Manifests by id and name.
        models: Records of uploaded models by id and name.
        workers: Heartbeats.
        scripts: The scripts that change jobs.
        members: Checks of the sets of jobs that workers write.
        leases: Leases of held jobs.
        reaping: Operations of a reaper.
        references: The blobs that records name.
        released: Blobs that records no longer name.
        retention: Jobs past their retention time.
        queues: RQ's queues; a worker removes the record of an attempt that it has finished.
        samples: Tenants that received the packaged sample.
        tokens: Tokens and browser sessions.
        blob_ledger: State about the blob store that this Redis owns.
        blob_stats: Size of the blob store.
        overviews: Numbers of the whole installation.
        usage: What each tenant holds in Redis, and whether it may hold more.
        idempotency: Idempotency keys of clients.
    """

    def __init__(self, redis: Client, *, lease_seconds: float = 20, limits: StoreLimits = _DEFAULT_LIMITS) -> None:
        scripts, queues = Scripts(redis), Queues(redis)
        self.redis = redis
        self.scripts = scripts
        self.queues = queues
        self.workers = Workers(redis)
        self.usage = Usage(redis, limits)
        self.jobs = Jobs(redis, scripts, queues, self.workers, self.usage)
        self.attempts = Attempts(redis, scripts, queues, self.jobs, lease_seconds=lease_seconds, limits=limits)
        self.events = Events(redis)
        self.datasets = NamedRecords(redis, "dataset", "ds", StoredManifest, self.usage)
        self.models = NamedRecords(redis, "model", "model", StoredModel, self.usage)
        self.members = JobMembers(redis)
        self.leases = Leases(redis, self.members)
        self.reaping = Reaping(redis, scripts, queues, self.workers, self.members)
        self.references = References(redis)
        self.released = Released(redis)
        self.retention = Retention(redis, self.references)
        self.samples = Samples(redis)
        self.tokens = Tokens(redis, max_sessions=limits.sessions)
        self.blob_ledger = BlobLedger(redis)
        self.blob_stats = BlobStats(redis)
        self.overviews = Overviews(
            redis, queues, self.workers, self.blob_stats, blob_ledger=self.blob_ledger, limits=limits
        )
        self.idempotency = IdempotencyKeys(redis)

    def ping(self) -> None:
        """Check that Redis responds.

        Raises:
            StoreUnavailable: Redis does not respond.
        """
        self.redis.ping()

    def now(self) -> float:
        """The current time of Redis, in seconds since 1970."""
        return clock.now(self.redis) / 1e6

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()
