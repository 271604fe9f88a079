"""The service's address, the settings of an HTTP client for it, and explanations of failed connections."""

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
    """The service's address, without a trailing slash.

    Raises:
        PippinError: The URL is not an http(s) address.
    """
    address = Settings().url if url is None else url
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise PippinError(f"{address!r} is not the address of a service; needs the form http://127.0.0.1:8000")
    return address.rstrip("/")


def own_token(url: str, given: str | None) -> str | None:
    """The token to send to the service at `url`: `given`, else the token in the file that PIPPIN_TOKEN_FILE names.

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
    """Keyword arguments for both `httpx2.Client` and `httpx2.AsyncClient`."""
    return {
        "base_url": url,
        "headers": {"authorization": f"Bearer {token}"} if token else {},
        # Streams send a ping every 15 s, so a minute without data means that the connection is dead.
        "timeout": httpx2.Timeout(60, connect=5),
        # A proxy in the environment is for other hosts; it could not reach this machine's loopback interface.
        "trust_env": not is_loopback(httpx2.URL(url).host),
    }


def no_answer_reason(error: httpx2.TransportError | None) -> str:
    """A sentence on why no response came, and what may help.

    Args:
        error: The error of the request; None when the connection closed before a stream ended.
    """
    if error is None:
        return "the connection ended before the stream did."
    cause = _cause(error, ssl.SSLError, socket.gaierror)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({cause.verify_message}); set SSL_CERT_FILE to a file with trusted "
            "certificates."
        )
    if isinstance(cause, ssl.SSLError):
        return f"no encrypted connection could be made ({cause.reason}); does the address begin with http:// instead?"
    if isinstance(cause, socket.gaierror):
        return "there is no host with that name."
    if isinstance(error, httpx2.ConnectError):
        return f"could not connect ({_text(error) or 'refused'})."
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long."
    if isinstance(error, httpx2.RemoteProtocolError):
        hint = "Is it the port of another service, or does the address begin with https://?"
        return f"the connection broke ({_text(error)}). {hint}"
    return f"the connection broke ({_text(error) or type(error).__name__})."


def is_untrusted(error: httpx2.TransportError) -> bool:
    """Whether the service's certificate is not trusted, so that another try cannot help."""
    return _cause(error, ssl.SSLCertVerificationError) is not None


def is_refused(error: httpx2.TransportError | None) -> bool:
    """Whether no process listens at the address."""
    return isinstance(error, httpx2.ConnectError) and _cause(error, ConnectionRefusedError) is not None


def _text(error: Exception) -> str:
    """The text of an error without its errno."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".")


def _cause(error: BaseException | None, *kinds: type[BaseException]) -> BaseException | None:
    """The first error of one of these kinds in the chain that led to `error`."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__ or error.__context__
    return error
