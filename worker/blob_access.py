"""Whether the service lets this worker at its blobs: asked once, before it takes jobs that it could only fail."""

import structlog

from pippin.blobs import BlobError, BlobRefusedError, Blobs
from pippin.settings import Settings

_log = structlog.get_logger(__name__)
_ANY = "0" * 64


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
        blobs.head(_ANY)
    except BlobRefusedError:
        raise
    except BlobError as error:
        _log.warning("the blobs cannot be reached yet", error=str(error))
