"""Prometheus metrics that this process counts itself. `StoreCollector` reads the shared ones from Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from pippin.store.listing import Page

CloseReason = Literal["total", "address", "gave_way", "head_timeout", "body_timeout"]
"""Why the service refuses or closes a connection."""

_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
REAPER_ACTIONS = ("requeued", "failed", "cancelled", "paused", "queued_again", "moved")


class Meters:
    """The counters and gauges of one process, and the registry that holds them."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("pippin_build", "Version of the running service.", registry=registry).info({"version": version("pippin")})
        self.requests = Counter(
            "pippin_http_requests_total",
            "Responses, by route template, method and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.latency = Histogram(
            "pippin_http_request_duration_seconds",
            "Seconds from a request's arrival to the first byte of the response; streams continue after that.",
            ["method", "route"],
            buckets=_LATENCIES,
            registry=registry,
        )
        self.revoked_requests = Counter(
            "pippin_revoked_requests_total",
            "Open requests that were ended because their token was revoked or their session had ended.",
            registry=registry,
        )
        self.token_records_lost = Gauge(
            "pippin_token_records_lost",
            "1 while tokens are required only because PIPPIN_HOME remembers them: Redis has lost its records. Else 0.",
            registry=registry,
        )
        self.connections = Gauge("pippin_connections", "Open client connections.", registry=registry)
        self.connections_cut_off = Counter(
            "pippin_connections_cut_off_total",
            "Connections that the service refused (total, address) or closed (gave_way, head_timeout, body_timeout).",
            ["reason"],
            registry=registry,
        )
        for reason in get_args(CloseReason):
            self.connections_cut_off.labels(reason)
        self.accept_errors = Counter(
            "pippin_accept_errors_total",
            "Connections that could not be accepted because descriptors or memory were exhausted.",
            registry=registry,
        )
        self.waiting_requests = Gauge(
            "pippin_waiting_requests", "Requests that wait for capacity.", ["resource"], registry=registry
        )
        self.busy_refusals = Counter(
            "pippin_busy_refusals_total",
            "Requests refused after waiting too long for capacity.",
            ["resource"],
            registry=registry,
        )
        self.stream_clients = Gauge("pippin_stream_clients", "Clients that follow a job.", registry=registry)
        self.answers_cut = Counter(
            "pippin_answers_cut_total",
            "Pages shortened and documents split because of their size.",
            ["answer"],
            registry=registry,
        )
        for answer in ("jobs", "datasets", "models", "events"):
            self.answers_cut.labels(answer)
        self.memory_returned = Counter(
            "pippin_memory_returned_bytes_total",
            "Free memory that was returned to the system after large requests.",
            registry=registry,
        )
        self.events_sent = Counter(
            "pippin_events_sent_total", "Events sent to clients that follow a job.", registry=registry
        )
        self.reaper_actions = Counter(
            "pippin_reaper_actions_total",
            "Actions of the reaper: lost attempts by the job's new state; jobs queued again or moved to another "
            "engine's queue.",
            ["action"],
            registry=registry,
        )
        for action in REAPER_ACTIONS:
            self.reaper_actions.labels(action)
        self.reaper_acting = Gauge(
            "pippin_reaper_acting", "1 in the service whose reaper is active, else 0.", registry=registry
        )
        self.released_blobs = Counter(
            "pippin_blobs_released_total",
            "Blobs deleted because their record was deleted, or because a later checkpoint replaced theirs.",
            registry=registry,
        )
        self.clock_steps = Counter(
            "pippin_redis_clock_steps_total",
            "Number of times that the clock of Redis jumped by more than 2 s relative to this machine's monotonic "
            "clock.",
            registry=registry,
        )
        self.reaper_last_look = Gauge(
            "pippin_reaper_last_look_timestamp_seconds",
            "Time of the reaper's last check for lost attempts, in seconds since 1970; 0 before the first check.",
            registry=registry,
        )

    def released(self, blobs: int) -> None:
        """Count blobs of dropped checkpoints that were deleted."""
        self.released_blobs.inc(blobs)

    def clock_stepped(self) -> None:
        """Count a step of the clock of Redis."""
        self.clock_steps.inc()

    def reaped(self, action: str) -> None:
        """Count an action of the reaper, one of the `REAPER_ACTIONS`."""
        self.reaper_actions.labels(action).inc()

    def reaper_checked(self, *, acting: bool) -> None:
        """Record that the reaper has reached Redis, and whether it is the acting one."""
        self.reaper_acting.set(acting)
        self.reaper_last_look.set_to_current_time()

    def connections_open(self, count: int) -> None:
        """Record how many connections are open."""
        self.connections.set(count)

    def connection_closed(self, reason: CloseReason) -> None:
        """Count a connection that the service refused or closed."""
        self.connections_cut_off.labels(reason).inc()

    def waiting(self, resource: str, count: int) -> None:
        """Record how many requests wait for a shared resource."""
        self.waiting_requests.labels(resource).set(count)

    def refused(self, resource: str) -> None:
        """Count a request that was refused because it waited for too long."""
        self.busy_refusals.labels(resource).inc()

    def page_created(self, page: Page[Any], limit: int, listing: str) -> None:
        """Count a page of a listing if the size of its records ended it before `limit`."""
        if page.has_more and len(page.items) < limit:
            self.answers_cut.labels(listing).inc()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Count a client that follows a job while the `with` block lasts."""
        self.stream_clients.inc()
        try:
            yield
        finally:
            self.stream_clients.dec()
