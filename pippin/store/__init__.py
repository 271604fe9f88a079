"""Pippin's data in Redis: records, event streams, leases, queues. The only package that uses key names."""

from pippin.api.workers import Worker, WorkerReport
from pippin.store.attempts import Claim, Control, new_token
from pippin.store.blob_ledger import BlobLedger, Refusal, SweepReport
from pippin.store.client import Client, connect
from pippin.store.errors import (
    AmbiguousName,
    BadTenant,
    IdempotencyInFlight,
    IdempotencyMismatch,
    LeaseLost,
    MalformedEventId,
    NameTaken,
    NoSuchJob,
    NoSuchWorker,
    QuotaExceeded,
    RecordTooLarge,
    Refused,
    StoreError,
    StoreFull,
    StoreUnavailable,
    TenantFull,
    UnreadableRecord,
)
from pippin.store.events import StoredEvent, parse_event_id
from pippin.store.idempotency import Idempotency
from pippin.store.listing import Page
from pippin.store.queues import FUNCTION, QUEUES, rq_id
from pippin.store.quotas import ByteQuota, JobQuota
from pippin.store.reader import EventReader, Subscription
from pippin.store.store import Store
from pippin.store.tokens import SESSION_SECONDS, CheckedToken, LiveTokens
from pippin.store.usage import StoreLimits
from pippin.store.versions import Unreadable

__all__ = [
    "FUNCTION",
    "QUEUES",
    "SESSION_SECONDS",
    "AmbiguousName",
    "BadTenant",
    "BlobLedger",
    "ByteQuota",
    "CheckedToken",
    "Claim",
    "Client",
    "Control",
    "EventReader",
    "Idempotency",
    "IdempotencyInFlight",
    "IdempotencyMismatch",
    "JobQuota",
    "LeaseLost",
    "LiveTokens",
    "MalformedEventId",
    "NameTaken",
    "NoSuchJob",
    "NoSuchWorker",
    "Page",
    "QuotaExceeded",
    "RecordTooLarge",
    "Refusal",
    "Refused",
    "Store",
    "StoreError",
    "StoreFull",
    "StoreLimits",
    "StoreUnavailable",
    "StoredEvent",
    "Subscription",
    "SweepReport",
    "TenantFull",
    "Unreadable",
    "UnreadableRecord",
    "Worker",
    "WorkerReport",
    "connect",
    "new_token",
    "parse_event_id",
    "rq_id",
]
