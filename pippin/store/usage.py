"""What each tenant holds in Redis, in bytes, and whether it may hold more.

Each record is charged in the MULTI or script that writes it, and notes what it was charged in its own field `held`;
deleting the record gives exactly that back. The totals are fields of the tenant's counters. A charge is the length of
what is written plus a constant an entry, so nothing is measured while Redis works: for jobs of 0 to 1,000 epochs it
comes to 1.2 to 1.3 times what MEMORY USAGE reports.
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
    """Limits that the store keeps to, whatever a client or a worker sends.

    Attributes:
        record_bytes: The largest record of a dataset or a model, and the largest request and spec of a job.
        job_bytes: What one job may hold before its log lines and mini-batch losses are dropped; epochs never are.
        tenant_bytes: What one tenant may hold before it can add no more; its running jobs go on recording.
        log_lines: Of one attempt.
        sessions: Open sessions of browsers that stand for one token.
    """

    record_bytes: int = 2**20
    job_bytes: int = 16 * 2**20
    tenant_bytes: int = 256 * 2**20
    log_lines: int = 1000
    sessions: int = 100

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings ask for."""
        return cls(
            record_bytes=settings.max_record_bytes,
            job_bytes=settings.max_job_bytes,
            tenant_bytes=settings.max_tenant_bytes,
            log_lines=settings.max_log_lines,
            sessions=settings.max_sessions,
        )


KINDS = ("jobs", "datasets", "models")

# Above the first share of maxmemory the tenants that hold much are refused, above the second every tenant is: what is
# left is for running jobs to record in.
_CROWDED, _FULL = 0.8, 0.95

# An entry of a hash, set or sorted set, beside its text; and a key with its expiry and the head of its value.
_ENTRY, _KEY = 48, 128
# RQ's record and its place in the queue, the fields that a job is given later (times, its newest metrics and
# checkpoint), and what a stream takes from its first entry on: 4 KB.
_LATER = 2560 + 4096


@dataclass(frozen=True)
class Held:
    """What a tenant holds in Redis, in bytes, as charged."""

    jobs: int = 0
    datasets: int = 0
    models: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.jobs + self.datasets + self.models

    @classmethod
    def read(cls, counters: Mapping[str, str]) -> "Held":
        """The totals among a tenant's counters; one that is no number counts as 0 until the next recount."""
        return cls(**{kind: count(counters.get(field_of(kind))) for kind in KINDS})


class Usage:
    """Charges tenants for what they store, and refuses what is too much."""

    def __init__(self, client: Client, limits: StoreLimits) -> None:
        self._client = client
        self._release = client.register_script(_source("release"))
        self._recount = client.register_script(_source("recount"))
        self.limits = limits

    def held(self, tenant: str) -> Held:
        """What a tenant holds at this moment."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.counters(tenant))
            return Held.read(pipe.execute()[0])

    def require_room(self, tenant: str, size: int = 0) -> None:
        """See that a tenant may store `size` more bytes.

        In a crowded Redis the tenants that hold the average or more are refused first: the largest one always, and a
        single one as soon as it is crowded. Requests at the same moment do not see each other, so that each may pass
        the limit by its own record.

        Raises:
            TenantFull: The tenant has reached its limit.
            StoreFull: Redis is crowded and the tenant holds much of it, or it is too full for anyone to store more.
        """
        with self._client.pipeline(transaction=False) as pipe:
            pipe.info("memory")
            pipe.hgetall(keys.counters(tenant))
            memory, counters = pipe.execute()
        held, max_bytes = Held.read(counters), self.limits.tenant_bytes
        if held.total + size > max_bytes:
            raise TenantFull(
                f"this tenant holds {held.total:,} of the {max_bytes:,} bytes of Redis that it may "
                f"(PIPPIN_MAX_TENANT_BYTES){_more(size)}; {_advice(held)}"
            )
        filled, maximum = int(memory["used_memory"]), int(memory["maxmemory"])
        if not maximum or filled <= _CROWDED * maximum:
            return
        full = f"Redis is nearly full, {filled / maximum:.0%} of its maxmemory"
        if held.total >= (average := self._average()):
            raise StoreFull(
                f"{full}, and this tenant holds {held.total:,} bytes of it, where {average:,} are the average of all "
                f"tenants; {_advice(held)}"
            )
        if filled > _FULL * maximum:
            raise StoreFull(f"{full}; {_advice(held)}")

    def charge(self, pipe: Pipeline, tenant: str, kind: str, size: int) -> None:
        """Charge a new record of a kind, in the MULTI that writes it with `size` as its field `held`."""
        pipe.hincrby(keys.counters(tenant), field_of(kind), size)

    def release(self, pipe: Pipeline, tenant: str, kind: str, size: int, digests: Iterable[str] = ()) -> None:
        """Give back what a record was charged, in the MULTI that deletes it. Works in a full Redis, too.

        Args:
            pipe: The MULTI.
            tenant: Whose record.
            kind: `jobs`, `datasets` or `models`.
            size: What it was charged, in bytes.
            digests: The blobs that it named; those that no other record names are deleted soon.
        """
        arguments: list[str | int] = [field_of(kind), size, MAX_RELEASED, *digests]
        self._release(keys=[keys.counters(tenant), keys.RELEASED], args=arguments, client=pipe)

    def recount(self, tenant: str) -> int:
        """Set a tenant's totals to the sum of what its records were charged, and charge records that never were.

        The totals cannot drift by a crash, since they change in the step that writes the record. Records made by a
        version without charges, or restored or deleted by hand, are set right here. One script: 10,000 jobs take
        10 ms, in which Redis serves nothing else.

        Returns:
            By how many bytes the totals were wrong, over all kinds.
        """
        listings = [keys.listing(tenant, kind) for kind in ("job", "dataset", "model")]
        prefixes = [keys.record(tenant, kind, "") for kind in ("job", "dataset", "model")]
        fields = [field_of(kind) for kind in KINDS]
        answer = self._recount(keys=[keys.counters(tenant), *listings], args=[*prefixes, *fields])
        return int(str(answer))

    def _average(self) -> int:
        """What a tenant holds, on the average of those that hold anything."""
        with self._client.pipeline(transaction=False) as pipe:
            for tenant in self._client.smembers(keys.TENANTS):
                pipe.hgetall(keys.counters(str(tenant)))
            totals = [total for counters in pipe.execute() if (total := Held.read(counters).total) > 0]
        return sum(totals) // max(1, len(totals))


def field_of(kind: str) -> str:
    """The field of a tenant's counters that holds the bytes of a kind of record: `jobs`, `datasets` or `models`."""
    return f"held:{kind}"


def check_record(what: str, size: int, max_bytes: int, advice: str) -> None:
    """Refuse a record of `size` bytes if that is more than `most`.

    Raises:
        RecordTooLarge: It is.
    """
    if size > max_bytes:
        raise RecordTooLarge(
            f"{what} takes {size:,} bytes; at most {max_bytes:,} (PIPPIN_MAX_RECORD_BYTES) fit; {advice}"
        )


def size_of(fields: Mapping[FieldT, EncodableT]) -> int:
    """What a hash with these fields is charged."""
    return _KEY + sum(_ENTRY + length(name) + length(value) for name, value in fields.items())


def charge_of_job(fields: Mapping[FieldT, EncodableT], texts: Iterable[str], listings: Iterable[str]) -> int:
    """What a new job is charged; the scripts that record its events add to it.

    Args:
        fields: Of its hash.
        texts: Its other values.
        listings: The keys of the sorted sets that list it, each of which it may be the only member of.
    """
    listed = sum(_KEY + _ENTRY + length(listing) for listing in listings)
    return size_of(fields) + sum(_KEY + length(text) for text in texts) + listed + _LATER


def charge_of_record(record: str, name: str | None) -> int:
    """What a record of a dataset or model is charged, with its entries among the names and contents."""
    return 2 * _KEY + 5 * _ENTRY + len(record.encode()) + len((name or "").encode()) + 256


def length(value: object) -> int:
    """How many bytes a value takes as Redis keeps it."""
    return len(value) if isinstance(value, bytes) else len(str(value).encode())


def _more(size: int) -> str:
    return f", and {size:,} more would be too many" if size else ""


def _advice(held: Held) -> str:
    largest = max(KINDS, key=lambda kind: getattr(held, kind))
    each = ", ".join(f"{getattr(held, kind):,} bytes are {kind}" for kind in KINDS)
    first = "jobs that have ended (DELETE /jobs/{id})" if largest == "jobs" else f"{largest} (DELETE /{largest}/{{id}})"
    return f"delete {first}: {each}"


@cache
def _source(name: str) -> str:
    return (files("pippin.store") / "lua" / f"{name}.lua").read_text()
