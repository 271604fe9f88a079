"""The worker's main loop: runs one attempt after another, each in a child process, until a stop is requested."""

import gc
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pippin.blobs.cache import sweep_downloads
from pippin.settings import Settings
from pippin.store import QUEUES, Claim, Store, StoreUnavailable, connect, new_token
from pippin.system.retry import wait_until
from worker.access import retry_unavailable
from worker.attempt.entry import make_attempt
from worker.child import Assignment, StartMethod, start_child
from worker.engines.engine import Engine
from worker.memory import MemoryWatch
from worker.parent.heartbeat import Heartbeat
from worker.parent.host import CrashBackoff, SleepInhibitor
from worker.parent.rq_worker import AttemptRef, AttemptWorker
from worker.parent.shutdown import Draining, Shutdown
from worker.parent.supervision import StopMonitor, settle, supervise

_log = structlog.get_logger(__name__)

_SOCKET_SECONDS = 5
_WAIT_SECONDS = 1.0
_SETTLE_SECONDS = 30.0
_SHUTDOWN_SETTLE_SECONDS = 1.0


def work(
    settings: Settings,
    engine: Engine,
    shutdown: Shutdown,
    *,
    name: str | None,
    start_method: StartMethod,
    sleep_inhibitor: SleepInhibitor | None = None,
) -> None:
    """Train the jobs of the engine's queue until `shutdown` is requested.

    Args:
        settings: The settings; `redis_url` is set.
        engine: The engine; it has computed nothing yet, since children are forked from this process.
        shutdown: The shutdown request; its signal handlers are installed.
        name: The worker's name, to which a random suffix is appended; None takes the host's name.
        start_method: How children are started.
        sleep_inhibitor: Keeps the machine awake while a child runs; None takes the system's default.
    """
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    unique = f"{name or socket.gethostname()}-{secrets.token_hex(4)}"
    # Without retries: the heartbeat retries by itself, and a fork waits for a running heartbeat.
    heartbeat_store = Store(connect(url, retries=0))
    with Heartbeat(heartbeat_store.workers, unique, engine.name) as heartbeat:
        draining = Draining(heartbeat_store.workers, unique)
        parent = _Parent(
            settings,
            engine,
            shutdown,
            heartbeat,
            draining,
            name=unique,
            start_method=start_method,
            sleep_inhibitor=sleep_inhibitor or SleepInhibitor(),
        )
        sweep_downloads(settings.blob_cache)
        if start_method == "fork":
            engine.warm_up()
        # Imported objects are frozen: otherwise a child's garbage collector copies every page that holds them.
        gc.collect()
        gc.freeze()
        heartbeat.report_state("idle")
        _log.info("ready", worker=unique, engine=engine.name, queue=QUEUES[engine.name])
        while not shutdown.requested:
            _take_attempts(url, QUEUES[engine.name], parent.handle, shutdown, draining, name=unique)
            _wait_while_drained(heartbeat, shutdown, draining)
        heartbeat.report_state("draining")
    _log.info("stopped", worker=unique)


def _take_attempts(
    url: str,
    queue: str,
    handle: Callable[[AttemptRef, Callable[[], None]], None],
    shutdown: Shutdown,
    draining: Draining,
    *,
    name: str,
) -> None:
    """Take one attempt after another until the worker is shut down or drained."""

    def stopping() -> bool:
        return shutdown.requested or draining.begun()

    # Without retries: a repeated pop may take two jobs and lose one.
    connection = Redis.from_url(url, socket_timeout=_SOCKET_SECONDS, retry=Retry(NoBackoff(), 0))
    while not stopping():
        try:
            worker = AttemptWorker(queue, name=name, connection=connection, handle=handle, stopping=stopping)
            worker.work()
        except RedisError as error:
            _log.warning("Redis cannot be reached; retrying", error=str(error))
        if not stopping():
            # RQ's loop ends on any exception that RQ does not expect.
            time.sleep(_WAIT_SECONDS)


def _wait_while_drained(heartbeat: Heartbeat, shutdown: Shutdown, draining: Draining) -> None:
    """Report the worker as drained, and wait until it is undrained or shut down."""
    if shutdown.requested:
        return
    heartbeat.report_state("drained")
    _log.info("drained: taking no jobs")
    wait_until(lambda: shutdown.requested or not draining.begun(), None, interval=_WAIT_SECONDS)
    if not shutdown.requested:
        heartbeat.report_state("idle")
        _log.info("undrained: taking jobs again")


class _Parent:
    """Starts a child for each attempt, supervises the child, and records the end if the child could not record it."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        shutdown: Shutdown,
        heartbeat: Heartbeat,
        draining: Draining,
        *,
        name: str,
        start_method: StartMethod,
        sleep_inhibitor: SleepInhibitor,
    ) -> None:
        assert settings.redis_url is not None
        self._settings = settings
        self._engine = engine
        self._shutdown = shutdown
        self._heartbeat = heartbeat
        self._draining = draining
        self._name = name
        self._start_method = start_method
        self._sleep_inhibitor = sleep_inhibitor
        self._crash_backoff = CrashBackoff()
        self._store = Store(connect(settings.redis_url.get_secret_value()), lease_seconds=settings.lease_seconds)

    def handle(self, attempt: AttemptRef, forget: Callable[[], None]) -> None:
        """Run the attempt in a child and wait for its end. `forget` deletes RQ's record of the attempt."""
        with structlog.contextvars.bound_contextvars(job=attempt.job_id, attempt=attempt.number):
            self._handle(attempt, forget)

    def _handle(self, attempt: AttemptRef, forget: Callable[[], None]) -> None:
        claim = Claim(attempt.tenant, attempt.job_id, attempt.number, new_token())
        self._heartbeat.report_state("busy", attempt.job_id)
        self._crash_backoff.begin()
        with self._heartbeat.quiet():
            child = start_child(
                Assignment(claim, self._name, self._engine.name),
                partial(make_attempt, engine=self._engine, settings=self._settings),
                self._start_method,
            )
        # Deleted while the child starts, so that no record remains if the worker is killed later.
        forget()
        with self._sleep_inhibitor.during(child.pid):
            stop_monitor = StopMonitor(
                self._store.attempts,
                claim,
                self._settings.stop_grace_seconds,
                must_hand_back=self._draining.must_hand_back,
            )
            memory = MemoryWatch(child.pid, self._settings.worker_memory_bytes)
            ending = supervise(child, self._shutdown, self._settings.worker_grace_seconds, stop_monitor, memory)
        if ending.code != 0:
            _log.warning("the child ended", code=ending.code, killed_for=ending.killed_for)
            limit = self._settings.worker_memory_bytes
            self._settle(partial(settle, self._store, claim, ending, memory_limit=limit))
            sweep_downloads(self._settings.blob_cache)
        self._heartbeat.report_state("draining" if self._shutdown.requested else "idle")
        lost = ending.code != 0 and ending.killed_for is None
        self._crash_backoff.pause(
            self._crash_backoff.end(lost=lost), lambda: self._shutdown.requested or self._draining.begun()
        )

    def _settle(self, record: Callable[[], None]) -> None:
        seconds = _SHUTDOWN_SETTLE_SECONDS if self._shutdown.requested else _SETTLE_SECONDS
        try:
            retry_unavailable(record, seconds)
        except StoreUnavailable as error:
            _log.warning("the end of the attempt could not be recorded; its lease will expire", error=str(error))
