"""The RQ worker, reduced to taking the next attempt from one queue. All overrides of RQ are in this module.

RQ 3.0 runs any importable function that a job names, and the job's callbacks; it ends the process when Redis is
unreachable for half a minute, and its maintenance fails jobs that are only slow. This worker disables all of that: it
validates the job, has a child make the attempt, and deletes RQ's record.
"""

import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.job import Job

from pippin.store import FUNCTION, rq_id

_log = structlog.get_logger(__name__)

# A stop takes effect within that time. Far below the socket's timeout, after which redis-py would repeat the pop.
_POP_SECONDS = 1
_SOCKET_SECONDS = 5
_BEAT_SECONDS = 60
_WAIT_SECONDS = 1.0
_MAX_SHOWN_CHARACTERS = 200
_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")


class AttemptRef(NamedTuple):
    """The attempt that an RQ job refers to by its arguments."""

    tenant: str
    job_id: str
    number: int


class ForgedJobError(Exception):
    """A job in RQ's queue that Pippin did not enqueue."""


def attempt_of(job: Job) -> AttemptRef:
    """The attempt that an RQ job refers to.

    Raises:
        ForgedJobError: The job names a function other than `FUNCTION`, has invalid arguments, or cannot be read.
    """
    try:
        function, instance, args, kwargs = job.func_name, job.instance, job.args, job.kwargs
    except Exception as error:
        raise ForgedJobError(f"its data cannot be read: {_short_repr(error)}") from error
    if function != FUNCTION or instance is not None:
        raise ForgedJobError(f"it names the function {_short_repr(function)}; only {FUNCTION} is run here")
    match args:
        case [str(tenant), str(job_id), int(number)] if not isinstance(number, bool) and number > 0 and not kwargs:
            if _NAME.fullmatch(tenant) and _NAME.fullmatch(job_id) and job.id == rq_id(job_id, number):
                return AttemptRef(tenant, job_id, number)
    arguments = f"{_short_repr(args)} and {_short_repr(kwargs)}"
    raise ForgedJobError(f"its arguments are {arguments}; needs a tenant, a job and the attempt's number")


def _short_repr(value: object) -> str:
    """The repr of an untrusted value, shortened for a log line."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}…"


class _AttemptQueue(Queue):
    """A queue that drops unreadable records; RQ ends the worker at such a record."""

    @classmethod
    def _fetch_dequeued_job(
        cls,
        connection: Redis,
        queue_key: str,
        job_id: str,
        *args: Any,  # noqa: ANN401 - passed on
        **options: Any,  # noqa: ANN401 - passed on
    ) -> tuple[Job, Queue] | None:
        try:
            dequeued = super()._fetch_dequeued_job(connection, queue_key, job_id, *args, **options)
        except RedisError:
            raise
        except Exception as error:  # noqa: BLE001 - a forged record may be wrong in any way
            _log.warning("dropped a record that cannot be read", rq_job=job_id, why=repr(error))
            connection.delete(Job.key_for(job_id))
            dequeued = None
        if dequeued is None:
            queue = cls.from_queue_key(queue_key, connection=connection)
            connection.lrem(queue.intermediate_queue_key, 0, job_id)
        return dequeued


class AttemptWorker(Worker):
    """Takes attempts from one queue, RQ's only crash-safe mode, until `stopping` returns true.

    The worker handles no signals: it calls `stopping` before every pop.
    """

    queue_class = _AttemptQueue

    def __init__(
        self,
        queue: str,
        *,
        name: str,
        connection: Redis,
        handle: Callable[[AttemptRef, Callable[[], None]], None],
        stopping: Callable[[], bool],
    ) -> None:
        """Initialize the worker; RQ queries Redis for this client's address.

        Args:
            queue: The queue's name.
            name: A unique name: RQ refuses a name that was registered in the last minutes.
            connection: A connection without automatic retries, since a repeated pop may lose a job, and without
                decoding of responses.
            handle: Makes one attempt, and returns at its end. The second argument deletes RQ's record of the attempt;
                `handle` calls it once a child has the attempt.
            stopping: Whether to take no more jobs.
        """
        super().__init__([queue], name=name, connection=connection, serializer="json", log_job_description=False)
        self._handle = handle
        self._stopping = stopping
        self._beat_at = 0.0

    @property
    def dequeue_timeout(self) -> int:
        """Seconds that a pop waits for a job."""
        return _POP_SECONDS

    @property
    def connection_timeout(self) -> int:
        """Timeout of a response from Redis, in seconds."""
        return _SOCKET_SECONDS

    def dequeue_job_and_maintain_ttl(
        self,
        timeout: int | None,
        max_idle_time: int | None = None,  # noqa: ARG002 - RQ's signature
    ) -> tuple[Job, Queue]:
        """Wait for the next job, also during an outage of Redis.

        Raises:
            StopRequested: The worker is to stop; no job was popped.
        """
        reachable = True
        while not self._stopping():
            try:
                self.heartbeat()
                job, queue = self.queue_class.dequeue_any(
                    self.queues, timeout, self.connection, job_class=self.job_class, serializer=self.serializer
                ) or (None, None)
            except DequeueTimeout:
                job, queue = None, None
            except RedisError as error:
                if reachable:
                    _log.warning("Redis cannot be reached; retrying", error=str(error))
                reachable = False
                time.sleep(_WAIT_SECONDS)
                continue
            if not reachable:
                _log.info("Redis can be reached again")
                reachable = True
            if job is not None and queue is not None:
                return job, queue
        raise StopRequested

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Make the attempt that the job refers to, and delete the job. RQ's `perform_job` is never called."""
        try:
            attempt = attempt_of(job)
        except ForgedJobError as error:
            _log.warning("refused a forged job", rq_job=job.id, why=str(error))
            self._forget(job, queue)
            return
        if self._stopping():
            self._put_back(job, queue)
            return
        self._handle(attempt, lambda: self._forget(job, queue))

    def _forget(self, job: Job, queue: Queue) -> None:
        """Delete RQ's record of a job. `Job.delete` is not used: it follows the references of a forged record."""
        try:
            with self.connection.pipeline() as pipe:
                pipe.lrem(queue.intermediate_queue_key, 0, job.id)
                pipe.delete(job.key)
                pipe.execute()
        except RedisError as error:
            # The reaper deletes the record later; Pippin's own records hold the attempt.
            _log.warning("RQ's record could not be deleted", rq_job=job.id, error=str(error))

    def _put_back(self, job: Job, queue: Queue) -> None:
        """Return a job that was popped while the worker is stopping, so that another worker takes it at once."""
        try:
            with self.connection.pipeline() as pipe:
                pipe.lrem(queue.intermediate_queue_key, 0, job.id)
                pipe.lpush(queue.key, job.id)
                pipe.execute()
        except RedisError as error:
            _log.warning("a job could not be put back; the reaper will queue it", rq_job=job.id, error=str(error))

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:  # noqa: ANN401 - as RQ has it
        """Refresh RQ's record of this worker once a minute, not at every pop as RQ; `/workers` does not read it."""
        if time.monotonic() - self._beat_at < _BEAT_SECONDS:
            return
        try:
            super().heartbeat(timeout, pipeline)
            self._beat_at = time.monotonic()
        except RedisError as error:
            _log.debug("RQ's heartbeat could not be sent", error=str(error))

    def register_birth(self) -> None:
        """Write RQ's record of this worker. A record left behind by an outage is deleted first: RQ would refuse it."""
        self.connection.delete(self.key)
        super().register_birth()  # type: ignore[no-untyped-call]

    def teardown(self) -> None:
        """Delete RQ's record of this worker; while Redis cannot be reached, the record is left to expire."""
        try:
            super().teardown()  # type: ignore[no-untyped-call]
        except RedisError as error:
            _log.debug("RQ's record of the worker could not be deleted; it will expire", error=str(error))

    def set_state(self, state: str, pipeline: Any = None) -> None:  # noqa: ANN401, ARG002 - RQ's signature
        """Set the state in memory only: a write during an outage would end the worker."""
        self._state = state

    def check_for_suspension(self, burst: bool) -> None:
        """Do nothing: a key that RQ reads must not be able to suspend this worker."""

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """False: RQ's maintenance fails jobs that it considers dead, and runs callbacks. Pippin has its own reaper."""
        return False

    def run_maintenance_tasks(self) -> None:
        """Do nothing, see `should_run_maintenance_tasks`."""

    def clean_registries(self) -> None:
        """Do nothing, see `should_run_maintenance_tasks`."""

    def subscribe(self) -> None:
        """Do nothing: RQ's commands can kill a training; Pippin stops trainings by its own means."""

    def _install_signal_handlers(self) -> None:
        """Do nothing: `worker.parent.shutdown` handles signals."""
