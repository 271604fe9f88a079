"""The service's address, the settings of an HTTP client for it, and why no answer came."""

import re
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx2

from pippin.errors import PippinError
from pippin.http.token_file import read_token
from pippin.settings import Settings
from pippin.system.hosts import is_loopback, without_password


def service_url(url: str | None) -> str:
    """The service's address, without a slash at its end.

    Raises:
        PippinError: If it is not an http(s) address.
    """
    address = Settings().url if url is None else url
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise PippinError(f"{address!r} is not the address of a service; one is http://127.0.0.1:8000")
    return address.rstrip("/")


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


def no_answer_reason(error: httpx2.TransportError | None) -> str:
    """A sentence about why no answer came, and what may help.

    Args:
        error: The error of the request; None when a stream's connection ended before the stream did.
    """
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
        return f"could not connect ({_text(error) or 'refused'})."
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long."
    if isinstance(error, httpx2.RemoteProtocolError):
        hint = "Is it the port of another service, or does the address begin with https://?"
        return f"the connection broke ({_text(error)}). {hint}"
    return f"the connection broke ({_text(error) or type(error).__name__})."


def is_untrusted(error: httpx2.TransportError) -> bool:
    """Whether the service's certificate is not trusted, which no other try changes."""
    return _cause(error, ssl.SSLCertVerificationError) is not None


def is_refused(error: httpx2.TransportError | None) -> bool:
    """Whether nothing listens at the address."""
    return isinstance(error, httpx2.ConnectError) and _cause(error, ConnectionRefusedError) is not None


def _text(error: Exception) -> str:
    """The text of an error without its number."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".")


def _cause(error: BaseException | None, *kinds: type[BaseException]) -> BaseException | None:
    """The first error of one of these kinds in the chain that led to `error`."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__ or error.__context__
    return error
