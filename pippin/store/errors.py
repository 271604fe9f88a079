# ruff: noqa: N818  -- the names state what happened; `Refused` is clearer than `RefusedError`
"""Exceptions of the store."""

from pippin.errors import PippinError


class StoreError(PippinError):
    """The base of every error of the store."""


class StoreUnavailable(StoreError):
    """Redis does not respond, or cannot serve the command; the same call may succeed later."""


class NoSuchJob(StoreError):
    """There is no job with this id."""


class NoSuchWorker(StoreError):
    """No worker of this name has reported in the last two minutes."""


class AmbiguousName(StoreError):
    """Several records or workers have a name or an id with this beginning."""


class Refused(StoreError):
    """The job's state does not allow this."""


class LeaseLost(StoreError):
    """The attempt no longer holds the job: none of its further results is recorded."""


class IdempotencyMismatch(StoreError):
    """The idempotency key was used before, with another body."""


class IdempotencyInFlight(StoreError):
    """Another request with this idempotency key is in progress."""


class NameTaken(StoreError):
    """Another dataset has this name."""


class RecordTooLarge(StoreError):
    """A record exceeds the size limit."""


class TenantFull(StoreError):
    """The tenant has reached its limit of bytes in Redis; it can delete records."""


class StoreFull(StoreError):
    """Redis is too full for the tenant to store more; running jobs continue to record."""


class QuotaExceeded(StoreError):
    """The token has used up a quota."""


class BadTenant(StoreError):
    """The name is not valid for a tenant."""


class MalformedEventId(StoreError):
    """The text is not the id of an event."""


class UnreadableRecord(StoreError):
    """A record exists, but is damaged or has a newer major version.

    Attributes:
        record_id: The id of the record.
    """

    def __init__(self, record_id: str, message: str) -> None:
        super().__init__(message)
        self.record_id = record_id


class BackupError(PippinError):
    """A backup could not be made or restored; the text names the cause and the remedy."""
