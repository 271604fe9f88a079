"""The workers that were heard of lately."""

from collections.abc import Sequence
from datetime import timedelta

from pippin.jobs.engines import EngineName
from pippin.jobs.worker import Worker, WorkerReport
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.queues import QUEUES
from pippin.store.records import moment

ALIVE_SECONDS = 30  # by the clock of Redis; a worker that was silent for longer gets no work on its account
SHOWN_SECONDS = 120  # and after this it is no longer listed


class Workers:
    """Heartbeats of workers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def heartbeat(self, report: WorkerReport) -> None:
        """Record that a worker lives and what it says about itself. Send it every 5 to 10 seconds."""
        now = self._now()
        with self._client.pipeline() as pipe:
            pipe.set(keys.worker(report.name), report.model_dump_json(), ex=SHOWN_SECONDS)
            pipe.zadd(keys.WORKERS, {report.name: now})
            pipe.zremrangebyscore(keys.WORKERS, "-inf", now - SHOWN_SECONDS * 1_000_000)
            pipe.execute()

    def remove(self, name: str) -> None:
        """Forget a worker that leaves."""
        with self._client.pipeline() as pipe:
            pipe.delete(keys.worker(name))
            pipe.zrem(keys.WORKERS, name)
            pipe.execute()

    def all(self) -> list[Worker]:
        """Every worker that was heard of in the last two minutes, by name."""
        return self._heard_of(SHOWN_SECONDS)

    def alive(self) -> list[Worker]:
        """Every worker that was heard of in the last half minute, by name."""
        return self._heard_of(ALIVE_SECONDS)

    def live_engines(self) -> frozenset[str]:
        """The engines of the workers that are alive and take jobs: one that drains takes no more."""
        return frozenset(engine for worker in self.alive() if worker.state != "draining" for engine in worker.engines)

    def queue_for(self, engines: Sequence[EngineName]) -> str:
        """The queue for a new job.

        Args:
            engines: Those that may train it, the preferred one first; the last one waits for a worker if none is alive.
        """
        *preferred, last = engines
        live = self.live_engines() if preferred else frozenset()
        return QUEUES[next((engine for engine in preferred if engine in live), last)]

    def _now(self) -> int:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.time()
            seconds, microseconds = pipe.execute()[0]
        return int(seconds) * 1_000_000 + int(microseconds)

    def _heard_of(self, seconds: float) -> list[Worker]:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.zrange(keys.WORKERS, 0, -1, withscores=True)
            (now_seconds, now_microseconds), beats = pipe.execute()
        since = int(now_seconds) * 1e6 + int(now_microseconds) - timedelta(seconds=seconds) / timedelta(microseconds=1)
        heard = sorted((name, int(at)) for name, at in beats if at >= since)
        with self._client.pipeline(transaction=False) as pipe:
            for name, _ in heard:
                pipe.get(keys.worker(name))
            records = pipe.execute()
        return [
            Worker(**WorkerReport.model_validate_json(record).model_dump(), last_heartbeat=moment(at))
            for (_, at), record in zip(heard, records, strict=True)
            if record is not None
        ]
