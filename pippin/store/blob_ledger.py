"""What Redis remembers about the blob store that it owns: its identity there, its sweeps, and what holds them up."""

import secrets
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import UnreadableRecord
from pippin.store.versions import UNREADABLE, dump, load

HOLD_SECONDS = 60
"""How long a hold lasts that is not renewed: a backup that is killed delays the sweeper by this much."""
APPROVAL_SECONDS = 24 * 3600
"""How long an operator's approval of a large sweep stands."""


class Refusal(StrEnum):
    """Why a sweep deletes nothing."""

    UNCLAIMED = "unclaimed"  # the store has no owner, and the records do not account for its content
    LOST = "lost"  # the store has an owner, and this Redis has no identity
    FOREIGN = "foreign"  # the store belongs to another Redis
    SHARED = "shared"  # another Redis stores blobs here too, which these records do not name
    OUTDATED = "outdated"  # the store was swept by later records than these
    CLOSED = "closed"  # closed until an operator adopts it, after a restore for example
    UNREADABLE = "unreadable"  # the store's marker is damaged or of a newer Pippin
    LIMIT = "limit"  # more blobs would go than one sweep may delete


class SweepReport(BaseModel):
    """What the last sweep did, or why it did nothing.

    Attributes:
        refusal: Why nothing was deleted; None when the sweep ran.
        detail: The same as a sentence, with what to do; empty when the sweep ran.
        blobs: How many blobs the store held; None when they were not counted.
        unnamed: How many of them no record named, the recently put left out; None when they were not counted.
        deleted: How many were deleted.
        at: When that was, in seconds since 1970 by the clock of the service.
    """

    model_config = ConfigDict(frozen=True)

    refusal: Refusal | None = None
    detail: str = ""
    blobs: int | None = None
    unnamed: int | None = None
    deleted: int = 0
    at: float


class BlobLedger:
    """The keys `pippin:blobs:*` but those of `BlobStats`. A backup leaves them out: they belong to this Redis alone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def identity(self) -> str | None:
        """What this Redis is called in a blob store that it owns; None before it claimed one and once emptied."""
        return self._text(keys.BLOB_IDENTITY)

    def draw_identity(self) -> str:
        """The identity, drawn at random the first time. Two services that draw at once get the same."""
        self._client.set(keys.BLOB_IDENTITY, secrets.token_hex(16), nx=True)
        return str(self._client.get(keys.BLOB_IDENTITY))

    def generation(self) -> int:
        """How often blobs were swept by the records of this Redis; an old snapshot has a lower number."""
        return int(self._client.get(keys.BLOB_GENERATION) or 0)

    def set_generation(self, generation: int) -> None:
        """Set the number of sweeps."""
        self._client.set(keys.BLOB_GENERATION, generation)

    def closed(self) -> str | None:
        """Why no blob may be deleted until an operator adopts the store; None when nothing stands against it."""
        return self._text(keys.BLOB_CLOSED)

    def close(self, reason: str) -> None:
        """Have no blob deleted until an operator adopts the store."""
        self._client.set(keys.BLOB_CLOSED, reason)

    def reopen(self) -> None:
        """Take back `close`."""
        self._client.delete(keys.BLOB_CLOSED)

    def hold(self, holder: str) -> bool:
        """Have no blob deleted for the next minute; whether `holder` has the hold, which one has at a time.

        Args:
            holder: Names the purpose and the process, for the log; unique.
        """
        if self._client.set(keys.SWEEP_HOLD, holder, nx=True, ex=HOLD_SECONDS):
            return True
        return self._client.get(keys.SWEEP_HOLD) == holder and bool(self._client.expire(keys.SWEEP_HOLD, HOLD_SECONDS))

    def release(self, holder: str) -> None:
        """End a hold, if `holder` has it."""
        if self._client.get(keys.SWEEP_HOLD) == holder:
            self._client.delete(keys.SWEEP_HOLD)

    def holder(self) -> str | None:
        """What holds up sweeps now; None when nothing does."""
        return self._text(keys.SWEEP_HOLD)

    def approve(self, blobs: int) -> None:
        """Let the next sweeps delete this many blobs, beyond what one sweep may delete."""
        self._client.set(keys.SWEEP_APPROVAL, blobs, ex=APPROVAL_SECONDS)

    def approved(self) -> int:
        """How many blobs an operator let the next sweeps delete; 0 when that was not asked for, or was done."""
        return int(self._client.get(keys.SWEEP_APPROVAL) or 0)

    def withdraw_approval(self) -> None:
        """End the approval."""
        self._client.delete(keys.SWEEP_APPROVAL)

    def report(self, report: SweepReport) -> None:
        """Record what a sweep did."""
        self._client.set(keys.SWEEP_REPORT, report.model_dump_json())

    def last_report(self) -> SweepReport | None:
        """What the last sweep did; None before the first."""
        text = self._client.get(keys.SWEEP_REPORT)
        return None if text is None else SweepReport.model_validate_json(text)

    def _text(self, key: str) -> str | None:
        value = self._client.get(key)
        return None if value is None else str(value)


class BlobUsage(BaseModel):
    """What the blob store held.

    Attributes:
        count: How many blobs.
        bytes: How much they take together.
        counted_at: When that was, in seconds since 1970 by the clock of Redis.
    """

    model_config = ConfigDict(frozen=True)

    count: int
    bytes: int
    counted_at: float


class BlobStats:
    """The last count, and whose turn it is to count again."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take_turn(self, seconds: int) -> bool:
        """Whether the caller is to count now; if so, no other service is for `seconds`."""
        return bool(self._client.set(keys.BLOB_STATS_TURN, "", nx=True, ex=seconds))

    def give_turn_back(self) -> None:
        """Let another service count at once."""
        self._client.delete(keys.BLOB_STATS_TURN)

    def record(self, count: int, size: int) -> None:
        """Record a count: how many blobs, and how many bytes together."""
        seconds, microseconds = self._client.time()
        usage = BlobUsage(count=count, bytes=size, counted_at=int(seconds) + int(microseconds) / 1e6)
        self._client.set(keys.BLOB_STATS, dump(usage))

    def last(self) -> BlobUsage | None:
        """The last count; None before the first, and where its record cannot be read."""
        text = self._client.get(keys.BLOB_STATS)
        try:
            return None if text is None else load(BlobUsage, text, "blob usage")
        except UnreadableRecord as error:
            UNREADABLE.note(error)
            return None
