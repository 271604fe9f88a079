"""State in Redis about the blob store that it owns: the identity of this Redis, the sweeps, and holds on sweeps."""

import secrets
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import UnreadableRecord
from pippin.store.versions import UNREADABLE, dump, load

HOLD_SECONDS = 60
"""How long a hold lasts without renewal: a killed backup delays the sweeper by this time."""
APPROVAL_SECONDS = 24 * 3600
"""How long an operator's approval of a large sweep is valid."""


class Refusal(StrEnum):
    """Why a sweep deletes nothing."""

    UNCLAIMED = "unclaimed"  # the store has no owner, and the records do not name all of its blobs
    LOST = "lost"  # the store has an owner, and this Redis has no identity
    FOREIGN = "foreign"  # the store belongs to another Redis
    SHARED = "shared"  # another Redis also stores blobs here, which these records do not name
    OUTDATED = "outdated"  # the store was swept by later records than these
    CLOSED = "closed"  # closed until an operator adopts it, for example after a restore
    UNREADABLE = "unreadable"  # the store's marker is damaged or was written by a newer Pippin
    LIMIT = "limit"  # the sweep would delete more blobs than one sweep may


class SweepReport(BaseModel):
    """Result of the last sweep.

    Attributes:
        refusal: Why nothing was deleted; None when the sweep ran.
        detail: The refusal as a sentence, with its remedy; empty when the sweep ran.
        blobs: Number of blobs in the store; None when they were not counted.
        unnamed: Number of blobs that no record named, recently stored ones excluded; None when they were not counted.
        deleted: Number of blobs deleted.
        at: Time of the sweep, in seconds since 1970 by the clock of the service.
    """

    model_config = ConfigDict(frozen=True)

    refusal: Refusal | None = None
    detail: str = ""
    blobs: int | None = None
    unnamed: int | None = None
    deleted: int = 0
    at: float


class BlobLedger:
    """The keys `pippin:blobs:*` except those of `BlobStats`. A backup omits them: they belong to this Redis alone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def identity(self) -> str | None:
        """The name of this Redis in a blob store that it owns; None before it claims one and after it was emptied."""
        return self._text(keys.BLOB_IDENTITY)

    def draw_identity(self) -> str:
        """The identity, drawn at random on first use. Two services that call this at once get the same identity."""
        self._client.set(keys.BLOB_IDENTITY, secrets.token_hex(16), nx=True)
        return str(self._client.get(keys.BLOB_IDENTITY))

    def generation(self) -> int:
        """Number of sweeps made by the records of this Redis; an old snapshot has a lower number."""
        return int(self._client.get(keys.BLOB_GENERATION) or 0)

    def set_generation(self, generation: int) -> None:
        """Set the number of sweeps."""
        self._client.set(keys.BLOB_GENERATION, generation)

    def closed(self) -> str | None:
        """Why no blob may be deleted until an operator adopts the store; None when the store is not closed."""
        return self._text(keys.BLOB_CLOSED)

    def close(self, reason: str) -> None:
        """Block the deletion of blobs until an operator adopts the store."""
        self._client.set(keys.BLOB_CLOSED, reason)

    def reopen(self) -> None:
        """Undo `close`."""
        self._client.delete(keys.BLOB_CLOSED)

    def hold(self, holder: str) -> bool:
        """Block the deletion of blobs for `HOLD_SECONDS`. Only one holder has the hold at a time.

        Args:
            holder: Unique name of the purpose and the process, for the log.

        Returns:
            Whether `holder` has the hold.
        """
        if self._client.set(keys.SWEEP_HOLD, holder, nx=True, ex=HOLD_SECONDS):
            return True
        return self._client.get(keys.SWEEP_HOLD) == holder and bool(self._client.expire(keys.SWEEP_HOLD, HOLD_SECONDS))

    def release(self, holder: str) -> None:
        """End a hold, if `holder` has it."""
        if self._client.get(keys.SWEEP_HOLD) == holder:
            self._client.delete(keys.SWEEP_HOLD)

    def holder(self) -> str | None:
        """The current holder; None when there is no hold."""
        return self._text(keys.SWEEP_HOLD)

    def approve(self, blobs: int) -> None:
        """Allow the next sweeps to delete this many blobs beyond the limit of one sweep."""
        self._client.set(keys.SWEEP_APPROVAL, blobs, ex=APPROVAL_SECONDS)

    def approved(self) -> int:
        """Number of blobs that the operator's approval allows the next sweeps to delete; 0 without an approval."""
        return int(self._client.get(keys.SWEEP_APPROVAL) or 0)

    def withdraw_approval(self) -> None:
        """End the approval."""
        self._client.delete(keys.SWEEP_APPROVAL)

    def report(self, report: SweepReport) -> None:
        """Record the result of a sweep."""
        self._client.set(keys.SWEEP_REPORT, report.model_dump_json())

    def last_report(self) -> SweepReport | None:
        """The result of the last sweep; None before the first sweep."""
        text = self._client.get(keys.SWEEP_REPORT)
        return None if text is None else SweepReport.model_validate_json(text)

    def _text(self, key: str) -> str | None:
        value = self._client.get(key)
        return None if value is None else str(value)


class BlobUsage(BaseModel):
    """Contents of the blob store when it was last counted.

    Attributes:
        count: Number of blobs.
        bytes: Total size of the blobs.
        counted_at: Time of the count, in seconds since 1970 by the clock of Redis.
    """

    model_config = ConfigDict(frozen=True)

    count: int
    bytes: int
    counted_at: float


class BlobStats:
    """The last count of blobs, and the lock that lets one service at a time count again."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def try_acquire(self, seconds: int) -> bool:
        """Whether the caller may count now; if so, no other service may for `seconds`."""
        return bool(self._client.set(keys.BLOB_STATS_TURN, "", nx=True, ex=seconds))

    def release_turn(self) -> None:
        """Allow another service to count at once."""
        self._client.delete(keys.BLOB_STATS_TURN)

    def record(self, count: int, size: int) -> None:
        """Record a count: number of blobs and their total size in bytes."""
        seconds, microseconds = self._client.time()
        usage = BlobUsage(count=count, bytes=size, counted_at=int(seconds) + int(microseconds) / 1e6)
        self._client.set(keys.BLOB_STATS, dump(usage))

    def last(self) -> BlobUsage | None:
        """The last count; None before the first count, and where its record cannot be read."""
        text = self._client.get(keys.BLOB_STATS)
        try:
            return None if text is None else load(BlobUsage, text, "blob usage")
        except UnreadableRecord as error:
            UNREADABLE.record(error)
            return None
