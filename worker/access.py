"""Access to the store and the blobs: checked when a worker starts, retried during an outage."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from pippin.blobs import BlobDamagedError, BlobError, BlobMissingError, BlobRefusedError, Blobs
from pippin.settings import Settings
from pippin.store import StoreUnavailable
from pippin.system.retry import Backoff, retry

_log = structlog.get_logger(__name__)
_ANY_DIGEST = "0" * 64
_T = TypeVar("_T")


def retry_unavailable(call: Callable[[], _T], seconds: float) -> _T:
    """Return the result of `call`; retry for up to `seconds` while the store or the blobs cannot be reached.

    Raises:
        StoreUnavailable: The store could not be reached for `seconds`.
        BlobError: The blobs could not be reached for `seconds`; raised at once for an error that a retry cannot cure.
    """
    return retry(
        call,
        Backoff(seconds=seconds, jitter=0),
        (StoreUnavailable, BlobError),
        unless=(BlobMissingError, BlobDamagedError, BlobRefusedError),
        report=lambda error: _log.warning("retrying", error=str(error)),
    )


def check_access(settings: Settings) -> None:
    """Check that the service lets this worker read blobs, before the worker takes jobs that could only fail.

    A service that cannot be reached is no error: it may be reachable again before the first job.

    Raises:
        BlobRefusedError: The service requires a token, or a different token.
        BlobError: PIPPIN_BLOBS_URL cannot be used.
        TokenFileError: The token's file cannot be used.
    """
    # Only HTTP is checked: obstore starts threads, and children are forked from this process.
    if not settings.blobs_url.startswith(("http://", "https://")):
        return
    blobs = Blobs(settings.blobs_url, settings.token_file)
    try:
        blobs.head(_ANY_DIGEST)
    except BlobRefusedError:
        raise
    except BlobError as error:
        _log.warning("the blobs cannot be reached yet; retrying", error=str(error))
