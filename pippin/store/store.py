"""The store as one object."""

from pippin.datasets.manifest import StoredManifest
from pippin.models.record import StoredModel
from pippin.store.attempts import Attempts
from pippin.store.census import Census
from pippin.store.client import Client
from pippin.store.events import Events
from pippin.store.idempotency import IdempotencyKeys
from pippin.store.jobs import Jobs
from pippin.store.limits import StoreLimits
from pippin.store.named import NamedRecords
from pippin.store.overview import Overviews
from pippin.store.queues import Queues
from pippin.store.reaping import Reaping
from pippin.store.references import References
from pippin.store.retention import Retention
from pippin.store.scripts import Scripts
from pippin.store.tokens import Tokens
from pippin.store.usage import Usage
from pippin.store.workers import Workers

_DEFAULT_LIMITS = StoreLimits()


class Store:
    """Everything that Pippin keeps in Redis, by subject. Safe for threads; a forked child makes its own.

    Every method of every part raises StoreUnavailable when Redis cannot be reached.

    Attributes:
        redis: The connection.
        jobs: Submitted, read, listed, cancelled, deleted.
        attempts: What the worker that holds a job writes.
        events: The event streams of jobs.
        datasets: Manifests by id and name.
        models: Records of uploaded models by id and name.
        workers: Heartbeats.
        reaping: What a reaper needs.
        references: Which blobs the records name.
        retention: Which jobs have been kept for long enough.
        queues: RQ's queues; a worker takes the record of an attempt that it has done with out of them.
        tokens: What lets machines in.
        census: How much the blob store holds.
        overviews: How everything stands, in numbers.
        usage: What each tenant holds here, and whether it may hold more.
        idempotency: The keys that clients sent to make requests repeatable.
    """

    def __init__(self, redis: Client, *, lease_seconds: float = 20, limits: StoreLimits = _DEFAULT_LIMITS) -> None:
        scripts, queues = Scripts(redis), Queues(redis)
        self.redis = redis
        self.queues = queues
        self.workers = Workers(redis)
        self.usage = Usage(redis, limits)
        self.jobs = Jobs(redis, scripts, queues, self.workers, self.usage)
        self.attempts = Attempts(redis, scripts, queues, self.jobs, lease_seconds=lease_seconds, limits=limits)
        self.events = Events(redis)
        self.datasets = NamedRecords(redis, "dataset", StoredManifest, self.usage)
        self.models = NamedRecords(redis, "model", StoredModel, self.usage)
        self.reaping = Reaping(redis, scripts, queues, self.workers)
        self.references = References(redis)
        self.retention = Retention(redis, self.references)
        self.tokens = Tokens(redis, max_sessions=limits.sessions)
        self.census = Census(redis)
        self.overviews = Overviews(redis, queues, self.workers, self.census, limits)
        self.idempotency = IdempotencyKeys(redis)

    def ping(self) -> None:
        """Ask Redis for a sign of life.

        Raises:
            StoreUnavailable: There is none.
        """
        self.redis.ping()

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()
