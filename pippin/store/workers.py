"""The records of workers: their latest reports and drain requests."""

from collections.abc import Sequence

from pippin.api.engines import EngineName
from pippin.api.workers import Drain, Worker, WorkerReport
from pippin.store import clock, keys
from pippin.store.client import Client
from pippin.store.errors import AmbiguousName, NoSuchWorker, UnreadableRecord
from pippin.store.queues import QUEUES
from pippin.store.records import moment
from pippin.store.versions import UNREADABLE, Unreadable, dump, load

ALIVE_SECONDS = 30  # by the clock of Redis; a worker without a heartbeat for longer does not count for choosing queues
SHOWN_SECONDS = 120  # a worker without a heartbeat for longer is no longer listed
# A drained worker that cannot reach Redis for a time must stay drained. A worker that restarts has a new name.
_DRAIN_SECONDS = 24 * 3600
_NAMED = 10  # candidates that an error lists
_MAX_LISTED = 1000  # the newest workers; otherwise a client that writes heartbeats could make every list longer
_FUTURE_SECONDS = 1


class Workers:
    """Heartbeats of workers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def heartbeat(self, report: WorkerReport) -> None:
        """Record a worker's report and the time. To be called every 5 to 10 seconds."""
        now = clock.now(self._client)
        with self._client.pipeline() as pipe:
            pipe.set(keys.worker(report.name), dump(report), ex=SHOWN_SECONDS)
            pipe.expire(keys.drain(report.name), _DRAIN_SECONDS)
            pipe.zadd(keys.WORKERS, {report.name: now})
            pipe.zremrangebyscore(keys.WORKERS, "-inf", now - SHOWN_SECONDS * 1_000_000)
            pipe.zremrangebyscore(keys.WORKERS, now + _FUTURE_SECONDS * 1_000_000, "+inf")
            pipe.execute()

    def remove(self, name: str) -> None:
        """Remove a worker that shuts down."""
        with self._client.pipeline() as pipe:
            pipe.delete(keys.worker(name), keys.drain(name))
            pipe.zrem(keys.WORKERS, name)
            pipe.execute()

    def all(self) -> list[Worker]:
        """Every worker that has reported in the last two minutes and whose record can be read, by name."""
        return self.listing()[0]

    def listing(self) -> tuple[list[Worker], list[Unreadable]]:
        """The workers that have reported in the last two minutes, by name, and records that cannot be read."""
        return self._reported_within(SHOWN_SECONDS)

    def alive(self) -> list[Worker]:
        """Every worker that has reported in the last half minute, by name."""
        return self._reported_within(ALIVE_SECONDS)[0]

    def live_engines(self) -> frozenset[str]:
        """The engines of the workers that are alive and take jobs, so not of draining or drained workers."""
        away = {"draining", "drained"}
        return frozenset(engine for worker in self.alive() if worker.state not in away for engine in worker.engines)

    def find(self, name: str) -> Worker:
        """The worker with this name, or the only worker whose name has this beginning: names have a random end.

        Raises:
            NoSuchWorker: No worker that sent a heartbeat in the last two minutes has this name.
            AmbiguousName: Several names have this beginning.
        """
        listed = self.all()
        matches = [worker for worker in listed if worker.name == name]
        matches = matches or [worker for worker in listed if worker.name.startswith(name)]
        if not matches:
            known = f"the workers are {_names(listed)}" if listed else "no worker is alive"
            raise NoSuchWorker(f"there is no worker {name[:80]!r}; {known}")
        if len(matches) > 1:
            raise AmbiguousName(f"{len(matches)} workers have a name that begins with {name[:80]!r}: {_names(matches)}")
        return matches[0]

    def drain(self, name: str, how: Drain) -> Worker:
        """Make a worker take no more jobs until `undrain` or its end. Jobs that it has not yet claimed are included.

        Args:
            name: As for `find`.
            how: What becomes of the worker's current job. The last call counts.

        Raises:
            NoSuchWorker: As `find`.
            AmbiguousName: As `find`.
        """
        matches = self.find(name)
        self._client.set(keys.drain(matches.name), how, ex=_DRAIN_SECONDS)
        return self.find(matches.name)

    def undrain(self, name: str) -> Worker:
        """Make a worker take jobs again; has no effect on a worker that is not drained.

        Raises:
            NoSuchWorker: As `find`.
            AmbiguousName: As `find`.
        """
        matches = self.find(name)
        self._client.delete(keys.drain(matches.name))
        return self.find(matches.name)

    def drain_of(self, name: str) -> Drain | None:
        """How the worker with exactly this name must drain; None when it is not drained."""
        how = self._client.get(keys.drain(name))
        return None if how is None else Drain(str(how))

    def queue_for(self, engines: Sequence[EngineName]) -> str:
        """The queue for a new job.

        Args:
            engines: Engines that may train the job, the preferred one first. Without a live worker for any of them, the
                job waits in the queue of the last engine.
        """
        *preferred, last = engines
        live = self.live_engines() if preferred else frozenset()
        return QUEUES[next((engine for engine in preferred if engine in live), last)]

    def _reported_within(self, seconds: float) -> tuple[list[Worker], list[Unreadable]]:
        now = clock.now(self._client)
        with self._client.pipeline(transaction=False) as pipe:
            # A heartbeat in the future was recorded before the clock of Redis was set back: its worker may be gone.
            bounds = (now + _FUTURE_SECONDS * 1_000_000, now - int(seconds * 1e6))
            pipe.zrevrangebyscore(keys.WORKERS, *bounds, start=0, num=_MAX_LISTED, withscores=True)
            beats = pipe.execute()[0]
        latest = sorted((name, int(at)) for name, at in beats)
        with self._client.pipeline(transaction=False) as pipe:
            for name, _ in latest:
                pipe.mget(keys.worker(name), keys.drain(name))
            records = pipe.execute()
        workers: list[Worker] = []
        unreadable: list[Unreadable] = []
        for (name, at), (record, drain) in zip(latest, records, strict=True):
            try:
                workers += [] if record is None else [_worker(name, record, at, drains=drain is not None)]
            except UnreadableRecord as error:
                unreadable.append(UNREADABLE.record(error))
        return workers, unreadable


def _worker(name: str, record: str, at: int, *, drains: bool) -> Worker:
    report = load(WorkerReport, record, f"worker {name[:80]}")
    if drains and report.state != "drained":
        # Draining begins with the request: the worker may not have read the request yet, but takes no more jobs.
        report = report.model_copy(update={"state": "draining"})
    return Worker(**report.model_dump(), last_heartbeat=moment(at))


def _names(workers: Sequence[Worker]) -> str:
    more = len(workers) - _NAMED
    return ", ".join(worker.name for worker in workers[:_NAMED]) + (f" and {more} more" if more > 0 else "")
