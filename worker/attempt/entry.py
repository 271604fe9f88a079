"""The main function of a child process. A spawned child runs `python -m worker.attempt.entry`."""

import os
import signal
import sys

import structlog

from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.settings import Settings
from pippin.store import Claim, Store, StoreLimits, StoreUnavailable, connect
from pippin.system import tracing
from worker.attempt.run import AttemptContext, run
from worker.child import Assignment, die_at_end_of
from worker.engines import EngineOptions, make_engine
from worker.engines.engine import Engine
from worker.logs import configure
from worker.memory import limit_memory
from worker.stop import Cause, StopFlag

_log = structlog.get_logger(__name__)


def make_attempt(assignment: Assignment, engine: Engine, settings: Settings) -> int:
    """Make one attempt in this process, which makes no other.

    Returns:
        The exit code: 0 when the attempt's end is recorded, 1 when it is not recorded, 3 when it is recorded and the
        machine caused the failure.
    """
    claim = assignment.claim
    # Bound to every log line of this process.
    structlog.contextvars.bind_contextvars(job=claim.job_id, attempt=claim.number)
    stop = StopFlag()
    # The parent stops its children by SIGTERM, so a child ignores Ctrl-C in the terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set(Cause.TERMINATED))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    limit_memory(settings.worker_memory_bytes)
    assert settings.redis_url is not None
    # Connections and obstore's threads do not survive a fork: the child creates its own.
    blobs = Blobs(settings.blobs_url, settings.token_file)
    context = AttemptContext(
        store=Store(
            connect(settings.redis_url.get_secret_value()),
            lease_seconds=settings.lease_seconds,
            limits=StoreLimits.of(settings),
        ),
        blobs=blobs,
        cache=BlobCache(settings.blob_cache, settings.cache_bytes, blobs),
        engine=engine,
        renew_seconds=settings.lease_renew_seconds,
        outbox_bytes=settings.worker_outbox_bytes,
        max_batch_losses=settings.max_batch_losses,
        training_bytes=min(settings.max_training_bytes, settings.worker_memory_bytes or settings.max_training_bytes),
    )
    # Configured after the fork: an exporter's thread does not survive one.
    tracing.configure("pippin-worker")
    attributes: dict[str, str | int] = {
        "pippin.job": claim.job_id,
        "pippin.attempt": claim.number,
        "pippin.engine": engine.name,
    }
    try:
        with tracing.continuing(_traceparent(context.store, claim)), tracing.span("attempt", **attributes):
            return 0 if run(assignment, context, stop) else 3
    except Exception:  # noqa: BLE001 - reported to the parent by the exit code, to the operator by the log
        _log.exception("the end of the attempt could not be recorded")
        return 1
    finally:
        tracing.close()


def _traceparent(store: Store, claim: Claim) -> str:
    """The W3C traceparent of the job; empty without tracing or while the store cannot be reached."""
    try:
        return store.jobs.traceparent(claim.tenant, claim.job_id) if tracing.provider() is not None else ""
    except StoreUnavailable:
        return ""


def main() -> None:
    """Make the attempt that the first line of standard input describes; die when standard input closes."""
    assignment = Assignment.from_json(sys.stdin.buffer.readline().decode())
    die_at_end_of(sys.stdin.fileno())
    settings = Settings()
    configure(settings)
    code = make_attempt(assignment, make_engine(assignment.engine, EngineOptions.of(settings)), settings)
    # Threads that hang in a dead connection must not delay the exit.
    os._exit(code)


if __name__ == "__main__":
    main()
