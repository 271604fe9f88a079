"""The workers that were heard of lately."""

from datetime import timedelta
from typing import Literal

from pippin.jobs.worker import Worker, WorkerReport
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.queues import QUEUES
from pippin.store.records import moment

ALIVE_SECONDS = 30  # a worker that was silent for longer gets no work on its account
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
        """The engines of the workers that are alive."""
        return frozenset(engine for worker in self.alive() for engine in worker.engines)

    def queue_for(self, engine: Literal["auto", "jax", "coreml"]) -> str:
        """The queue for a new job: of an `auto` job Core ML's, if a worker with it is alive, else jax's."""
        if engine == "auto":
            engine = "coreml" if "coreml" in self.live_engines() else "jax"
        return QUEUES[engine]

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
