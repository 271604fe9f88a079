"""How often, and after which pauses, the blobs behind a service are asked for again."""

import random
import time

import httpx2

from pippin.blobs.errors import BlobError
from pippin.client.tries import reason

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds


class PassingTroubleError(Exception):
    """The service, or a proxy before it, answered that it cannot do this right now."""


class Tries:
    """The tries of one call: six in a row that bring nothing are the end.

    Args:
        doing: What the error is to say was not possible.
    """

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._failed = 0

    def progressed(self) -> None:
        """Something arrived: what fails from here on starts anew."""
        self._failed = 0

    def wait_after(self, trouble: httpx2.TransportError | PassingTroubleError) -> None:
        """Sleep until the next try.

        Raises:
            BlobError: No further try is due, or none could help.
        """
        why = reason(trouble).rstrip(".") if isinstance(trouble, httpx2.TransportError) else str(trouble)
        if "CERTIFICATE_VERIFY_FAILED" in why:
            hint = "for a certificate of your own authority, set SSL_CERT_FILE to the authority's certificate"
            raise BlobError(f"{self._doing}: {why}; {hint}") from trouble
        if self._failed == len(PAUSES):
            raise BlobError(f"{self._doing}: {why}; tried {len(PAUSES) + 1} times") from trouble
        # Jitter keeps the workers of a service that was away from all coming back in the same instant.
        time.sleep(PAUSES[self._failed] * random.uniform(0.8, 1.2))  # noqa: S311 - nothing secret
        self._failed += 1
