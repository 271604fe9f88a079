"""Prometheus metrics of queues, jobs, workers and blobs, read from Redis at each scrape.

Every service exports the same values of them, and they survive a restart of a service.
"""

from collections.abc import Iterable, Iterator
from heapq import nlargest
from operator import itemgetter

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pippin.api.states import Reason
from pippin.store import QUEUES, Refusal, StoreUnavailable, SweepReport
from pippin.store.counters import EPOCH_BOUNDS, EpochTimes
from pippin.store.leases import JobMembers
from pippin.store.overview import Overview, Overviews
from pippin.store.versions import UNREADABLE

_WORKER_STATES = ("starting", "idle", "busy", "draining", "drained")
# The reasons for lost attempts. Exported from the start, since a rate needs a first value.
_LOSSES = (Reason.WORKER_LOST, Reason.OUT_OF_MEMORY)

_TENANTS_SHOWN = 10


class StoreCollector(Collector):
    """Exports the numbers of an overview. While Redis cannot be reached, `pippin_redis_up` is 0 without them."""

    def __init__(self, overviews: Overviews, members: JobMembers) -> None:
        self._overviews = overviews
        self._members = members

    def describe(self) -> Iterable[Metric]:
        """Nothing: otherwise the registry would collect, and so query Redis, when the collector is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The current values."""
        overview = self._read()
        yield GaugeMetricFamily(
            "pippin_unreadable_records",
            "Different records that this process could not read since it started: damaged, or of a newer major "
            "version.",
            value=UNREADABLE.count,
        )
        yield CounterMetricFamily(
            "pippin_malformed_entries_removed",
            "Entries of leases and queued jobs that this process removed because the job does not exist.",
            value=self._members.removed,
        )
        yield GaugeMetricFamily("pippin_redis_up", "1 while Redis answers, else 0.", value=float(overview is not None))
        if overview is not None:
            yield from _families(overview)

    def _read(self) -> Overview | None:
        try:
            return self._overviews.read()
        except StoreUnavailable:
            return None


def _families(overview: Overview) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("pippin_jobs", "Jobs kept, by status.", labels=["status"])
    for status, count in overview.jobs.items():
        jobs.add_metric([status], count)
    yield jobs
    waiting = GaugeMetricFamily("pippin_queue_jobs", "Jobs that wait in an engine's queue.", labels=["engine"])
    for engine, count in overview.waiting.items():
        waiting.add_metric([engine], count)
    yield waiting
    help_text = "Waiting time of the job that has been queued longest, in seconds; 0 if no job waits."
    yield GaugeMetricFamily("pippin_queue_oldest_age_seconds", help_text, value=overview.oldest_wait_seconds)
    workers = GaugeMetricFamily("pippin_workers", "Live workers, by engine and state.", labels=["engine", "state"])
    for engine in QUEUES:
        for state in _WORKER_STATES:
            workers.add_metric([engine, state], overview.workers.get((engine, state), 0))
    yield workers
    losses = CounterMetricFamily(
        "pippin_attempts_lost", "Attempts lost because of a machine's failure, by reason.", labels=["reason"]
    )
    for reason, count in (dict.fromkeys(_LOSSES, 0) | dict(overview.losses)).items():
        losses.add_metric([reason], count)
    yield losses
    yield CounterMetricFamily(
        "pippin_jobs_missing_epochs",
        "Jobs that succeeded although some of their epochs have no metrics: records were restored from an older copy.",
        value=overview.missing_epochs,
    )
    yield _epochs(overview)
    yield from _sizes(overview)


def _epochs(overview: Overview) -> Metric:
    family = HistogramMetricFamily(
        "pippin_epoch_duration_seconds", "Duration of an epoch in seconds.", labels=["engine"]
    )
    none = EpochTimes((0,) * (len(EPOCH_BOUNDS) + 1), 0.0)
    for engine, times in (dict.fromkeys(QUEUES, none) | dict(overview.epochs)).items():
        buckets, below = [], 0
        for bound, count in zip((*map(str, EPOCH_BOUNDS), "+Inf"), times.counts, strict=True):
            below += count
            buckets.append((bound, float(below)))
        family.add_metric([engine], buckets, times.seconds)
    return family


def _sweep(report: SweepReport) -> Iterator[Metric]:
    refused = GaugeMetricFamily(
        "pippin_sweep_refused",
        "1 for the reason for which the last sweep deleted no blobs, else 0.",
        labels=["reason"],
    )
    for reason in Refusal:
        refused.add_metric([reason], float(report.refusal is reason))
    yield refused
    name = "pippin_sweep_timestamp_seconds"
    yield GaugeMetricFamily(name, "When the last sweep ended or was refused, in seconds since 1970.", value=report.at)
    if report.unnamed is not None:
        help_text = "Blobs that no record named at the last sweep, without recently stored ones."
        yield GaugeMetricFamily("pippin_blobs_unnamed", help_text, value=report.unnamed)


def _sizes(overview: Overview) -> Iterator[Metric]:
    if (blobs := overview.blobs) is not None:
        yield GaugeMetricFamily("pippin_blobs", "Stored blobs at the last count.", value=blobs.count)
        yield GaugeMetricFamily("pippin_blob_bytes", "Size of all stored blobs together, in bytes.", value=blobs.bytes)
        counted = "pippin_blob_count_timestamp_seconds"
        yield GaugeMetricFamily(counted, "Time of the last count, in seconds since 1970.", value=blobs.counted_at)
    if (sweep := overview.sweep) is not None:
        yield from _sweep(sweep)
    held = GaugeMetricFamily(
        "pippin_tenant_redis_bytes",
        f"Size of a tenant's records in Redis in bytes, for the {_TENANTS_SHOWN} largest tenants.",
        labels=["tenant"],
    )
    for tenant, size in nlargest(_TENANTS_SHOWN, overview.stored_bytes.items(), key=itemgetter(1)):
        held.add_metric([tenant], size)
    yield held
    yield GaugeMetricFamily(
        "pippin_tenants_redis_bytes",
        "Size of the records of all tenants in Redis, in bytes.",
        value=sum(overview.stored_bytes.values()),
    )
    yield GaugeMetricFamily(
        "pippin_tenant_redis_limit_bytes",
        "Limit of the size of one tenant's records in Redis, in bytes.",
        value=overview.tenant_limit_bytes,
    )
    filled, limit = overview.memory_bytes, overview.memory_limit_bytes
    yield GaugeMetricFamily("pippin_redis_memory_bytes", "Memory that Redis uses, in bytes.", value=filled)
    yield GaugeMetricFamily(
        "pippin_redis_memory_limit_bytes", "Memory limit of Redis in bytes; 0 if there is none.", value=limit
    )
    yield GaugeMetricFamily(
        "pippin_redis_memory_fullness_ratio",
        "Used share of the memory limit of Redis: at 1 it refuses writes; 0 if there is no limit.",
        value=filled / limit if limit else 0.0,
    )
