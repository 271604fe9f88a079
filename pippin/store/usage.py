"""The bytes that each tenant holds in Redis, and whether it may hold more.

Each record is charged in the MULTI or script that writes it, and stores its charge in its field `held`; deleting the
record gives exactly this charge back. The totals are fields of the tenant's counters. A charge is the length of the
written data plus a constant per entry, so nothing is measured in Redis: for jobs of 0 to 1,000 epochs the charge is
1.2 to 1.3 times what MEMORY USAGE reports.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self

from redis.client import Pipeline
from redis.typing import EncodableT, FieldT

from pippin.settings import Settings
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.counters import count
from pippin.store.errors import RecordTooLarge, StoreFull, TenantFull
from pippin.store.retention import MAX_RELEASED


@dataclass(frozen=True)
class StoreLimits:
    """Limits that the store enforces, whatever a client or a worker sends.

    Attributes:
        record_bytes: The largest record of a dataset or a model, and the largest request and spec of a job.
        job_bytes: Bytes of one job above which its log lines and mini-batch losses are dropped; epochs never are.
        tenant_bytes: Bytes of one tenant above which it can add no more; its running jobs continue to record.
        log_lines: Maximum number of log lines of one attempt.
        sessions: Maximum number of open browser sessions of one token.
    """

    record_bytes: int = 2**20
    job_bytes: int = 16 * 2**20
    tenant_bytes: int = 256 * 2**20
    log_lines: int = 1000
    sessions: int = 100

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits in the settings."""
        return cls(
            record_bytes=settings.max_record_bytes,
            job_bytes=settings.max_job_bytes,
            tenant_bytes=settings.max_tenant_bytes,
            log_lines=settings.max_log_lines,
            sessions=settings.max_sessions,
        )


KINDS = ("jobs", "datasets", "models")

# Above the first share of maxmemory, tenants that hold much are refused; above the second, every tenant is. The rest is
# for the records of running jobs.
_CROWDED, _FULL = 0.8, 0.95

# Overhead of an entry of a hash, set or sorted set, and of a key with its expiry and the head of its value.
_ENTRY, _KEY = 48, 128
# RQ's record and its entry in the queue, the fields that a job receives later (times, its newest metrics and
# checkpoint), and 4 KB that a stream takes from its first entry on.
_LATER = 2560 + 4096


@dataclass(frozen=True)
class StoredBytes:
    """The bytes that a tenant holds in Redis, as charged."""

    jobs: int = 0
    datasets: int = 0
    models: int = 0

    @property
    def total(self) -> int:
        """The sum over all kinds."""
        return self.jobs + self.datasets + self.models

    @classmethod
    def read(cls, counters: Mapping[str, str]) -> "StoredBytes":
        """The totals in a tenant's counters; a value that is not a number counts as 0 until the next recount."""
        return cls(**{kind: count(counters.get(field_of(kind))) for kind in KINDS})


class Usage:
    """Charges tenants for their records, and refuses records beyond the limits."""

    def __init__(self, client: Client, limits: StoreLimits) -> None:
        self._client = client
        self._release = client.register_script(_source("release"))
        self._recount = client.register_script(_source("recount"))
        self.limits = limits

    def stored_bytes(self, tenant: str) -> StoredBytes:
        """The bytes that a tenant holds at this moment."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.counters(tenant))
            return StoredBytes.read(pipe.execute()[0])

    def require_space(self, tenant: str, size: int = 0) -> None:
        """Check that a tenant may store `size` more bytes.

        In a crowded Redis, the tenants that hold the average or more are refused first: always the largest tenant, and
        a single tenant as soon as Redis is crowded. Simultaneous requests do not see each other, so each may exceed the
        limit by its own record.

        Raises:
            TenantFull: The tenant has reached its limit.
            StoreFull: Redis is crowded and the tenant holds much of it, or Redis is too full for any tenant.
        """
        with self._client.pipeline(transaction=False) as pipe:
            pipe.info("memory")
            pipe.hgetall(keys.counters(tenant))
            memory, counters = pipe.execute()
        stored, max_bytes = StoredBytes.read(counters), self.limits.tenant_bytes
        if stored.total + size > max_bytes:
            raise TenantFull(
                f"this tenant holds {stored.total:,} bytes in Redis; at most {max_bytes:,} are allowed "
                f"(PIPPIN_MAX_TENANT_BYTES){_more(size)}; {_advice(stored)}"
            )
        filled, maximum = int(memory["used_memory"]), int(memory["maxmemory"])
        if not maximum or filled <= _CROWDED * maximum:
            return
        full = f"Redis is nearly full, {filled / maximum:.0%} of its maxmemory"
        if stored.total >= (average := self._average()):
            raise StoreFull(
                f"{full}, and this tenant holds {stored.total:,} bytes of it; the average of all tenants is "
                f"{average:,}; {_advice(stored)}"
            )
        if filled > _FULL * maximum:
            raise StoreFull(f"{full}; {_advice(stored)}")

    def charge(self, pipe: Pipeline, tenant: str, kind: str, size: int) -> None:
        """Charge a new record of a kind, in the MULTI that writes it with `size` as its field `held`."""
        pipe.hincrby(keys.counters(tenant), field_of(kind), size)

    def release(self, pipe: Pipeline, tenant: str, kind: str, size: int, digests: Iterable[str] = ()) -> None:
        """Give back a record's charge, in the MULTI that deletes the record. Also works in a full Redis.

        Args:
            pipe: The MULTI.
            tenant: The tenant that owns the record.
            kind: `jobs`, `datasets` or `models`.
            size: The record's charge in bytes.
            digests: The blobs that the record named; blobs that no other record names are deleted soon.
        """
        arguments: list[str | int] = [field_of(kind), size, MAX_RELEASED, *digests]
        self._release(keys=[keys.counters(tenant), keys.RELEASED], args=arguments, client=pipe)

    def recount(self, tenant: str) -> int:
        """Set a tenant's totals to the sum of its records' charges, and charge records that were never charged.

        A crash cannot make the totals wrong, since they change in the step that writes the record. This corrects
        totals after records were made by a version without charges, or restored or deleted by hand. One script: 10,000
        jobs take 10 ms, in which Redis serves nothing else.

        Returns:
            The error of the totals in bytes, over all kinds.
        """
        listings = [keys.listing(tenant, kind) for kind in ("job", "dataset", "model")]
        prefixes = [keys.record(tenant, kind, "") for kind in ("job", "dataset", "model")]
        fields = [field_of(kind) for kind in KINDS]
        answer = self._recount(keys=[keys.counters(tenant), *listings], args=[*prefixes, *fields])
        return int(str(answer))

    def _average(self) -> int:
        """Average bytes of the tenants that hold anything."""
        with self._client.pipeline(transaction=False) as pipe:
            for tenant in self._client.smembers(keys.TENANTS):
                pipe.hgetall(keys.counters(str(tenant)))
            totals = [total for counters in pipe.execute() if (total := StoredBytes.read(counters).total) > 0]
        return sum(totals) // max(1, len(totals))


def field_of(kind: str) -> str:
    """The field of a tenant's counters that holds the bytes of a kind of record: `jobs`, `datasets` or `models`."""
    return f"held:{kind}"


def check_record(what: str, size: int, max_bytes: int, advice: str) -> None:
    """Refuse a record of more than `max_bytes`.

    Raises:
        RecordTooLarge: The record has more bytes.
    """
    if size > max_bytes:
        raise RecordTooLarge(
            f"{what} takes {size:,} bytes; at most {max_bytes:,} are allowed (PIPPIN_MAX_RECORD_BYTES); {advice}"
        )


def size_of(fields: Mapping[FieldT, EncodableT]) -> int:
    """The charge of a hash with these fields."""
    return _KEY + sum(_ENTRY + length(name) + length(value) for name, value in fields.items())


def charge_of_job(fields: Mapping[FieldT, EncodableT], texts: Iterable[str], listings: Iterable[str]) -> int:
    """The charge of a new job; the scripts that record its events add to it.

    Args:
        fields: Fields of the job's hash.
        texts: The job's other values.
        listings: Keys of the sorted sets that list the job; the job may be the only member of each.
    """
    listed = sum(_KEY + _ENTRY + length(listing) for listing in listings)
    return size_of(fields) + sum(_KEY + length(text) for text in texts) + listed + _LATER


def charge_of_record(record: str, name: str | None) -> int:
    """The charge of a record of a dataset or model, with its entries in the hashes of names and contents."""
    return 2 * _KEY + 5 * _ENTRY + len(record.encode()) + len((name or "").encode()) + 256


def length(value: object) -> int:
    """Length of a value in bytes, as stored in Redis."""
    return len(value) if isinstance(value, bytes) else len(str(value).encode())


def _more(size: int) -> str:
    return f", and {size:,} more would exceed the limit" if size else ""


def _advice(stored: StoredBytes) -> str:
    largest = max(KINDS, key=lambda kind: getattr(stored, kind))
    each = ", ".join(f"{getattr(stored, kind):,} bytes are {kind}" for kind in KINDS)
    first = "jobs that have ended (DELETE /jobs/{id})" if largest == "jobs" else f"{largest} (DELETE /{largest}/{{id}})"
    return f"delete {first}: {each}"


@cache
def _source(name: str) -> str:
    return (files("pippin.store") / "lua" / f"{name}.lua").read_text()
