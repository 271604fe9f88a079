"""How often, and after which pauses, a call that got no answer is made again."""

import random
import time

import httpx2

from pippin.client.errors import ServiceUnreachable
from pippin.http.connection import is_refused, no_answer_reason

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class Tries:
    """The tries of one call, or of one stream: pauses double from 0.1 s to 2 s until `patience` is used up.

    Args:
        url: The service, for the error's sentence.
        patience: Seconds without an answer after which to give up; 0 means one try.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self.answered()

    def answered(self) -> None:
        """The service is there: what fails from here on starts anew."""
        self._pause = _FIRST_PAUSE
        self._deadline = time.monotonic() + self._patience

    @property
    def spent(self) -> bool:
        """Whether no further try is due."""
        return time.monotonic() + self._pause > self._deadline

    def pause_after(self, error: httpx2.TransportError | None, *, may_repeat: bool = True) -> float:
        """The seconds to wait before the next try.

        Args:
            error: What went wrong; None when a connection ended before it had said all.
            may_repeat: Whether the call does no harm when the service has acted on it already. One that does is made
                again only where no connection came about.

        Raises:
            ServiceUnreachable: When no further try is due.
        """
        harmless = may_repeat or isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
        if not harmless or self.spent:
            raise ServiceUnreachable(self._url, no_answer_reason(error), is_absent=is_refused(error)) from error
        # Jitter keeps the clients of a service that was away from all coming back in the same instant.
        pause = self._pause * random.uniform(0.8, 1.2)  # noqa: S311 - nothing secret
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return pause
