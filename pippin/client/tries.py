"""How often, and after which pauses, a call that got no answer is made again."""

import random
import re
import socket
import ssl
import time

import httpx2

from pippin.client.errors import ServiceUnreachable

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
            raise ServiceUnreachable(self._url, reason(error), is_absent=_is_absent(error)) from error
        # Jitter keeps the clients of a service that was away from all coming back in the same instant.
        pause = self._pause * random.uniform(0.8, 1.2)  # noqa: S311 - nothing secret
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return pause


def reason(error: httpx2.TransportError | None) -> str:
    """A sentence about why no answer came, and what may help."""
    if error is None:
        return "the connection ended before the stream did."
    cause = _cause(error, ssl.SSLError, socket.gaierror)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message}); SSL_CERT_FILE names the ones to trust."
    if isinstance(cause, ssl.SSLError):
        return f"no encrypted connection came about ({cause.reason}); does the address begin with http:// instead?"
    if isinstance(cause, socket.gaierror):
        return "there is no host of that name."
    if isinstance(error, httpx2.ConnectError):
        return f"could not connect ({_words(error) or 'refused'})."
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long."
    if isinstance(error, httpx2.RemoteProtocolError):
        hint = "Is it the port of another service, or does the address begin with https://?"
        return f"the connection broke ({_words(error)}). {hint}"
    return f"the connection broke ({_words(error) or type(error).__name__})."


def _is_absent(error: httpx2.TransportError | None) -> bool:
    """Whether nothing listens at the address."""
    return isinstance(error, httpx2.ConnectError) and _cause(error, ConnectionRefusedError) is not None


def _words(error: Exception) -> str:
    """What an error says, without its number."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".")


def _cause(error: BaseException | None, *kinds: type[BaseException]) -> BaseException | None:
    """The error of one of these kinds that led to `error`, if one did."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__ or error.__context__
    return error
