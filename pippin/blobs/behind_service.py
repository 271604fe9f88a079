"""Blobs behind a service, at its `/blobs/{sha256}`, for a worker that shares only a URL and a token with it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx2

from pippin.blobs.errors import BlobError, BlobMissingError, BlobRefusedError
from pippin.blobs.names import hex_of, unchanged
from pippin.errors import PippinError
from pippin.http.connection import is_untrusted, no_answer_reason, options, service_url
from pippin.http.token_file import read_token
from pippin.system.hosts import is_loopback
from pippin.system.retry import Backoff

_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
# The service responds to an upload only when the blob is stored, which may be in a distant bucket.
_STORING = httpx2.Timeout(60, connect=5, read=300)

_T = TypeVar("_T")


def backoff() -> Backoff:
    """The retries of one call: it fails after six tries in a row without progress."""
    return Backoff(first=0.5, longest=8, tries=6)


class _TemporaryError(Exception):
    """The response of the service, or of a proxy before it, says that the failure is temporary."""


class _Tries:
    """The tries of one call.

    Args:
        doing: Beginning of the error's text: the operation that failed.
    """

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._backoff = backoff()

    def progressed(self) -> None:
        """Reset the tries after some content has arrived."""
        self._backoff.reset()

    def wait_after(self, error: httpx2.TransportError | _TemporaryError) -> None:
        """Sleep until the next try.

        Raises:
            BlobError: No try is left, or another try cannot help.
        """
        why = no_answer_reason(error).rstrip(".") if isinstance(error, httpx2.TransportError) else str(error)
        if isinstance(error, httpx2.TransportError) and is_untrusted(error):
            raise BlobError(f"{self._doing}: {why}") from error
        if self._backoff.exhausted:
            raise BlobError(f"{self._doing}: {why}; tried {self._backoff.failures + 1} times") from error
        time.sleep(self._backoff.pause())


class ServiceStore:
    """Blobs over HTTP(S), streamed both ways: a broken download resumes where it stopped, a broken upload restarts.

    No connection is kept between calls: a handshake costs little compared with a transfer, and a fork cannot share a
    connection. TLS is verified with the system's authorities, or with those in SSL_CERT_FILE. Redirects are not
    followed, so that only the service receives the token.

    Raises:
        BlobError: The URL is not an address, or the token would be sent unencrypted. Every method raises it when the
            service cannot be reached, refuses the request, or keeps failing.
        TokenFileError: The token's file cannot be used.
    """

    def __init__(self, url: str, token_file: Path | None) -> None:
        try:
            address = service_url(url).removesuffix("/blobs")
        except PippinError as error:
            raise BlobError(f"the blob store {url} cannot be opened: {error}") from error
        token = read_token(token_file)
        self._host = httpx2.URL(address).host
        if token and not address.startswith("https://") and not is_loopback(self._host):
            raise BlobError(
                f"the blob store {address} would be sent the token of PIPPIN_TOKEN_FILE unencrypted: "
                "use https://, or an SSH tunnel to 127.0.0.1"
            )
        self._token_file = token_file
        client_options = options(f"{address}/blobs/", token)
        self._http = httpx2.Client(
            **client_options | {"headers": {**client_options["headers"], "accept-encoding": "identity"}},
            limits=httpx2.Limits(max_keepalive_connections=0),
            verify=httpx2.create_ssl_context(),
        )

    def put_file(self, digest: str, path: Path, size: int) -> None:
        """Store the `size` bytes of the file at `path` as `digest`; the service verifies the content."""
        self._put(digest, size, lambda: unchanged(path, digest))

    def put_bytes(self, digest: str, data: bytes) -> None:
        """Store `data` as `digest`."""
        self._put(digest, len(data), lambda: iter((data,)))

    def size(self, digest: str) -> int:
        """The size in bytes; BlobMissingError when there is no such blob."""
        doing = f"could not look up {digest}"

        def request_size() -> int:
            with self._http.stream("HEAD", hex_of(digest)) as response:
                self._check(doing, response)
                length = response.headers.get("content-length", "")
            if not length.isdecimal():
                raise BlobError(
                    f"{doing}: {self._host} returns no size; check that PIPPIN_BLOBS_URL is the address "
                    "of a Pippin service"
                )
            return int(length)

        return _retried(doing, request_size)

    def pieces(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, a range within the blob that is not empty."""
        doing = f"could not read {digest}"
        tries, position = _Tries(doing), start
        while position < stop:
            try:
                for chunk in self._range(doing, digest, position, stop):
                    tries.progressed()
                    position += len(chunk)
                    yield chunk
            except (httpx2.TransportError, _TemporaryError) as error:
                tries.wait_after(error)

    def _range(self, doing: str, digest: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop` that one request delivers."""
        name = hex_of(digest)
        # RFC 9110, section 13.1.5: with another ETag, the response would be the whole content with status 200.
        headers = {"range": f"bytes={start}-{stop - 1}", "if-range": f'"{name}"'}
        with self._http.stream("GET", name, headers=headers) as response:
            self._check(doing, response)
            begin = response.headers.get("content-range", "")
            if response.status_code == 206 and not begin.startswith(f"bytes {start}-"):
                raise BlobError(f"{doing}: requested bytes from {start}, but {self._host} sent {begin or 'others'}")
            # A proxy without support for ranges may send the content from the beginning.
            position = start if response.status_code == 206 else 0
            for chunk in response.iter_raw():
                if piece := chunk[max(0, start - position) : max(0, stop - position)]:
                    yield piece
                position += len(chunk)
        if position < stop:
            raise _TemporaryError("the response ended before the end of the blob")

    def _put(self, digest: str, size: int, content: Callable[[], Iterator[bytes]]) -> None:
        doing = f"could not store {digest}"
        headers = {"content-length": str(size), "content-type": "application/octet-stream"}

        def send() -> None:
            with self._http.stream(
                "PUT", hex_of(digest), content=content(), headers=headers, timeout=_STORING
            ) as response:
                self._check(doing, response)

        _retried(doing, send)

    def _check(self, doing: str, response: httpx2.Response) -> None:
        """Check that the request succeeded.

        Raises:
            _TemporaryError: The request may succeed later.
            BlobError: The request cannot succeed; the text names the remedy.
        """
        status = response.status_code
        if response.is_success:
            return
        if status == 404:
            raise BlobMissingError(f"{doing}: there is no such blob")
        if status == 401:
            raise BlobRefusedError(f"the service at {self._host} {self._why_unauthorized()}")
        # A 403 without this header comes from a proxy.
        if status == 403 and "www-authenticate" in response.headers:
            raise BlobRefusedError(
                f"the service at {self._host} requires a token of the role worker{_detail(response)}"
            )
        if response.is_redirect:
            location = response.headers["location"]
            raise BlobError(f"{doing}: {self._host} redirects to {location}; set PIPPIN_BLOBS_URL to that address")
        if status == 413:
            raise BlobError(
                f"{doing}: {self._host} refuses a blob of this size; raise PIPPIN_MAX_DATASET_BYTES of the service, "
                "and the limit of a proxy in front of it"
            )
        answer = f"{self._host} answered {status}{_detail(response)}"
        raise _TemporaryError(answer) if status in _TEMPORARY else BlobError(f"{doing}: {answer}")

    def _why_unauthorized(self) -> str:
        make = "create one with `pippin tokens create --role worker`"
        if self._token_file is None:
            return f"requires a worker token: set PIPPIN_TOKEN_FILE to a file that holds one; {make}"
        return f"rejects the token in {self._token_file} (PIPPIN_TOKEN_FILE): it is unknown or revoked; {make}"


def _retried(doing: str, call: Callable[[], _T]) -> _T:
    tries = _Tries(doing)
    while True:
        try:
            return call()
        except httpx2.LocalProtocolError as error:
            raise BlobError(f"{doing}: the file changed while it was being stored") from error
        except (httpx2.TransportError, _TemporaryError) as error:
            tries.wait_after(error)


def _detail(response: httpx2.Response) -> str:
    """The details of a problem document (RFC 9457); "" for another response, such as a proxy's page."""
    if response.headers.get("content-type") != "application/problem+json":
        return ""
    response.read()
    try:
        problem = response.json()
    except ValueError:
        return ""
    faults = problem.get("errors") or [{}]
    return f": {problem.get('detail', '')} {faults[0].get('detail', '')}".rstrip()
