"""Asking the store or the blobs again until they answer."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from pippin.blobs import BlobDamagedError, BlobError, BlobMissingError, BlobRefusedError
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
