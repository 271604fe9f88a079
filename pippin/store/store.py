"""The store as one object."""

from pippin.datasets.manifest import StoredManifest
from pippin.models.record import StoredModel
from pippin.store import clock
from pippin.store.attempts import Attempts
from pippin.store.census import Census
from pippin.store.client import Client
from pippin.store.events import Events
from pippin.store.idempotency import IdempotencyKeys
from pippin.store.jobs import Jobs
from pippin.store.leases import Leases
from pippin.store.members import JobMembers
from pippin.store.named import NamedRecords
from pippin.store.overview import Overviews
from pippin.store.queues import Queues
from pippin.store.reaping import Reaping
from pippin.store.references import References
from pippin.store.released import Released
from pippin.store.retention import Retention
from pippin.store.scripts import Scripts
from pippin.store.tokens import Tokens
from pippin.store.workers import Workers


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
        scripts: The scripts that change jobs.
        members: Sets of jobs that workers write to.
        leases: Of held jobs.
        reaping: What a reaper needs.
        references: Which blobs the records name.
        released: Checkpoints that jobs have dropped.
        retention: Which jobs have been kept for long enough.
        queues: RQ's queues; a worker takes the record of an attempt that it has done with out of them.
        tokens: What lets machines in.
        census: How much the blob store holds.
        overviews: How everything stands, in numbers.
        idempotency: The keys that clients sent to make requests repeatable.
    """

    def __init__(self, redis: Client, *, lease_seconds: float = 20) -> None:
        scripts, queues = Scripts(redis), Queues(redis)
        self.redis = redis
        self.scripts = scripts
        self.queues = queues
        self.workers = Workers(redis)
        self.jobs = Jobs(redis, scripts, queues, self.workers)
        self.attempts = Attempts(redis, scripts, queues, self.jobs, lease_seconds=lease_seconds)
        self.events = Events(redis)
        self.datasets = NamedRecords(redis, "dataset", StoredManifest)
        self.models = NamedRecords(redis, "model", StoredModel)
        self.members = JobMembers(redis)
        self.leases = Leases(redis, self.members)
        self.reaping = Reaping(redis, scripts, queues, self.workers, self.members)
        self.references = References(redis)
        self.released = Released(redis)
        self.retention = Retention(redis, self.references)
        self.tokens = Tokens(redis)
        self.census = Census(redis)
        self.overviews = Overviews(redis, queues, self.workers, self.census)
        self.idempotency = IdempotencyKeys(redis)

    def ping(self) -> None:
        """Ask Redis for a sign of life.

        Raises:
            StoreUnavailable: There is none.
        """
        self.redis.ping()

    def now(self) -> float:
        """What the clock of Redis shows, in seconds since 1970."""
        return clock.now(self.redis) / 1e6

    def fullness(self) -> float:
        """How much of its memory Redis has filled: 1 when it refuses writes; 0 when nothing limits it."""
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.info("memory")
            memory: dict[str, int] = pipe.execute()[0]
        return memory["used_memory"] / memory["maxmemory"] if memory["maxmemory"] else 0.0

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()
