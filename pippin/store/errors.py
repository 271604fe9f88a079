# ruff: noqa: N818  -- the names say what happened, and `Refused` says it better than `RefusedError`
"""What the store raises."""

from pippin.errors import PippinError


class StoreError(PippinError):
    """The base of every error of the store."""


class StoreUnavailable(StoreError):
    """Redis does not answer, or answers that it cannot serve; the same call may work later."""


class NoSuchJob(StoreError):
    """There is no job with this id."""


class NoSuchWorker(StoreError):
    """No worker of this name has reported in the last two minutes."""


class AmbiguousName(StoreError):
    """Several records or workers have a name or an id that begins so."""


class Refused(StoreError):
    """The job's state does not allow this."""


class LeaseLost(StoreError):
    """The attempt no longer holds the job: whatever it still does is not to be recorded."""


class IdempotencyMismatch(StoreError):
    """The idempotency key was used before, for another body."""


class IdempotencyInFlight(StoreError):
    """A request with this idempotency key is being worked on at this moment."""


class NameTaken(StoreError):
    """Another dataset has this name."""


class RecordTooLarge(StoreError):
    """A record is larger than one may be."""


class TenantFull(StoreError):
    """The tenant holds as much in Redis as it may; it can delete some of it."""


class StoreFull(StoreError):
    """Redis is too full for the tenant to store more; running jobs go on recording."""


class QuotaExceeded(StoreError):
    """The token has used up what it may use of something."""


class BadTenant(StoreError):
    """What was given as a tenant's name cannot be one."""


class MalformedEventId(StoreError):
    """What was given as an event's id is not one."""


class UnreadableRecord(StoreError):
    """A record is there, and is damaged or of a newer major version.

    Attributes:
        record_id: Which one.
    """

    def __init__(self, record_id: str, message: str) -> None:
        super().__init__(message)
        self.record_id = record_id


class BackupError(PippinError):
    """A backup could not be made or restored; the text says why, and what to do."""
