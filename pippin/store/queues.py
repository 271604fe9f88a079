"""RQ's queues, which carry attempts to workers. Only this file depends on RQ's keys and records.

RQ's own view of a job is not read: `registry.count` and similar calls clean up as they read, and would fail a job and
run its callbacks in the reading process.
"""

import re
from collections.abc import Iterable
from typing import cast

from redis.client import Pipeline
from rq import Queue
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from pippin.store.client import Client

# The only function that a worker runs; a string, since this package must not import the worker.
FUNCTION = "worker.attempt.run.run"

# RQ is crash-safe only for a worker process with one queue, so each engine has its own.
QUEUES = {"jax": "pippin-jax", "coreml": "pippin-coreml"}

_NUMBER = re.compile("[0-9]{1,9}")  # of an attempt

# RQ does not delete its record of a job: Pippin's worker does, and the reaper does after a worker died.
_RECORD_SECONDS = 24 * 3600


def rq_id(job_id: str, number: int) -> str:
    """The id of the RQ job that carries an attempt."""
    return f"{job_id}-{number}"


class Queues:
    """Adds attempts to queues and removes them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._queues = {
            name: Queue(name, connection=client, serializer=cast("str", JSONSerializer)) for name in QUEUES.values()
        }

    def enqueue(self, pipe: Pipeline, queue: str, tenant: str, job_id: str, number: int) -> None:
        """Queue an attempt in the caller's MULTI; RQ issues the MULTI itself, so this must be the first write.

        A job's second and later attempts go to the front of the queue: the loss or drain of a worker must not send a
        job that has already been scheduled to the end of a long queue.
        """
        self._queues[queue].enqueue_call(
            FUNCTION,
            args=[tenant, job_id, number],
            job_id=rq_id(job_id, number),
            timeout=-1,  # RQ's own default would kill a training after 180 s
            result_ttl=_RECORD_SECONDS,
            failure_ttl=_RECORD_SECONDS,
            description=rq_id(job_id, number),
            at_front=number > 1,
            pipeline=pipe,
        )

    def remove(self, pipe: Pipeline, queue: str, job_id: str, number: int) -> None:
        """Remove all of RQ's data of an attempt, in the caller's MULTI."""
        rq_queue = self._queues[queue]
        attempt = rq_id(job_id, number)
        pipe.lrem(rq_queue.key, 0, attempt)
        pipe.lrem(rq_queue.intermediate_queue_key, 0, attempt)
        pipe.delete(RqJob.key_for(attempt))

    def withdraw(self, queue: str, job_id: str, number: int) -> None:
        """Remove all of RQ's data of an attempt."""
        with self._client.pipeline() as pipe:
            self.remove(pipe, queue, job_id, number)
            pipe.execute()

    def lengths(self, queues: Iterable[str]) -> list[int]:
        """Number of attempts that wait in each of these queues."""
        with self._client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.llen(self._queues[queue].key)
            lengths: list[int] = pipe.execute()
        return lengths

    def waiting(self, queue: str) -> list[tuple[str, int]]:
        """Job id and number of the attempts that wait in a queue, the next one first."""
        with self._client.pipeline() as pipe:
            pipe.lrange(self._queues[queue].key, 0, -1)
            ids: list[str] = pipe.execute()[0]
        attempts = (entry.rpartition("-") for entry in ids)
        return [(job_id, int(number)) for job_id, _, number in attempts if _NUMBER.fullmatch(number)]
