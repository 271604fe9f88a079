"""Access to the store and the blobs: checked when a worker starts, tried again during an outage."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from pippin.blobs import BlobDamagedError, BlobError, BlobMissingError, BlobRefusedError, Blobs
from pippin.settings import Settings
from pippin.store import StoreUnavailable

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

_FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0


def patiently(ask: Callable[[], _T], seconds: float) -> _T:
    """What `ask` returns; asked again while the store or the blobs cannot be reached, for up to `seconds`.

    Raises:
        StoreUnavailable: The store could not be reached in all that time.
        BlobError: The same of the blobs; at once where trying again cannot help.
    """
    deadline = time.monotonic() + seconds
    wait = _FIRST_WAIT
    while True:
        try:
            return ask()
        except (BlobMissingError, BlobDamagedError, BlobRefusedError):
            raise
        except (StoreUnavailable, BlobError) as error:
            if time.monotonic() + wait > deadline:
                raise
            _log.warning("trying again", error=str(error))
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


_ANY_DIGEST = "0" * 64


def ask_for_access(settings: Settings) -> None:
    """Nothing, if the service lets us in, or is away: it may be back before the first job.

    Raises:
        BlobRefusedError: It wants a token, or another one.
        BlobError: PIPPIN_BLOBS_URL cannot be used.
        TokenFileError: The token's file cannot be used.
    """
    # obstore runs threads of its own, and children are forked from this process.
    if not settings.blobs_url.startswith(("http://", "https://")):
        return
    blobs = Blobs(settings.blobs_url, settings.token_file)
    try:
        blobs.head(_ANY_DIGEST)
    except BlobRefusedError:
        raise
    except BlobError as error:
        _log.warning("the blobs cannot be reached yet", error=str(error))
