"""Where the service is, and how its HTTP client is set up."""

import time
from typing import Any
from urllib.parse import urlsplit

import httpx2

from pippin.errors import PippinError
from pippin.settings import Settings
from pippin.system.hosts import is_loopback, without_password
from pippin.system.token_file import read_token

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


def service_url(url: str | None) -> str:
    """The service's address, without a slash at its end.

    Raises:
        PippinError: If it is not an http(s) address.
    """
    found = Settings().url if url is None else url
    try:
        parts = urlsplit(found)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise PippinError(f"{found!r} is not the address of a service; one is http://127.0.0.1:8000")
    return found.rstrip("/")


def own_token(url: str, given: str | None) -> str | None:
    """The token to show to the service at `url`: the one given, else the one in the file that PIPPIN_TOKEN_FILE names.

    Raises:
        TokenFileError: The file cannot be used.
        PippinError: The token would cross a network unencrypted.
    """
    token = read_token(Settings().token_file) if given is None else given
    if token and not url.startswith("https://") and not is_loopback(httpx2.URL(url).host):
        raise PippinError(
            f"{without_password(url)} would be sent the token unencrypted: use https://, or an SSH tunnel to 127.0.0.1"
        )
    return token or None


def options(url: str, token: str | None = None) -> dict[str, Any]:
    """The keyword arguments of `httpx2.Client` and `httpx2.AsyncClient` alike."""
    return {
        "base_url": url,
        "headers": {"authorization": f"Bearer {token}"} if token else {},
        # Streams send a ping every 15 s, so a minute of silence means that the other side is gone.
        "timeout": httpx2.Timeout(60, connect=5),
        # A proxy named in the environment is for the outside; it could not reach this machine's loopback.
        "trust_env": not is_loopback(httpx2.URL(url).host),
    }


class Deadline:
    """The pauses between looks at something that will change, growing from 0.05 s to 1 s, for a limited time.

    Args:
        seconds: From now; None for ever.
        missed: The sentence to raise when it has passed.
    """

    def __init__(self, seconds: float | None, missed: str) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._missed = missed
        self._pause = _FIRST_PAUSE

    def pause(self) -> float:
        """Seconds until the next look.

        Raises:
            TimeoutError: If the time is over.
        """
        pause, self._pause = self._pause, min(1.5 * self._pause, _LONGEST_PAUSE)
        if self._end is None:
            return pause
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(self._missed)
        return min(pause, left)
