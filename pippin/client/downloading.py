"""Writes a download to its target path once it is complete and matches the digest that the service sent."""

import base64
import binascii
import errno
import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import httpx2

from pippin.client.errors import DamagedDownloadError
from pippin.system.hosts import without_password

_MAX_NAME_BYTES = 255
_MAX_SUFFIX_LENGTH = 20


class Download:
    """A file that is being downloaded; a context manager that removes the file at the end unless `keep` was called.

    Args:
        target: The file to write, or a folder, in which the file has the name that the service sends.
        response: The response that contains the file, its body unread.

    Raises:
        OSError: The file cannot be written; every method may raise this error. Its `filename` is the target.
    """

    def __init__(self, target: Path, response: httpx2.Response) -> None:
        self.target = target / _file_name(response) if target.is_dir() else target
        self._url = without_password(str(response.url))
        self._expected_digest = _sha256(response)
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        # Moving a file to the path of a device, such as /dev/null, would replace the device.
        if self.target.exists() and not self.target.is_file():
            raise OSError(errno.EINVAL, "it is not a regular file", str(self.target))
        # The part's name leaves out the target's name, which may already have the maximum length.
        self._part = self.target.with_name(f".pippin-{secrets.token_hex(8)}.part")
        with self._errors_with_target():
            self._file = self._part.open("xb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # If writing failed because the disk is full, closing fails too.
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self._hash.update(chunk)
        with self._errors_with_target():
            self._file.write(chunk)

    def finish(self) -> Path:
        """Move the complete file to its target path atomically, and return the path.

        Raises:
            DamagedDownloadError: If the file does not match the `Repr-Digest` of the response (RFC 9530).
        """
        if self._expected_digest is None:
            raise DamagedDownloadError(
                f"{self._url} was sent without a Repr-Digest, so it cannot be verified; nothing was written."
            )
        if self._hash.digest() != self._expected_digest:
            raise DamagedDownloadError(
                f"{self._url} was received with SHA-256 {self._hash.hexdigest()}, but the service declared "
                f"{self._expected_digest.hex()}; nothing was written. Download it again."
            )
        with self._errors_with_target():
            self._file.close()
            self._part.replace(self.target)
        return self.target

    @contextmanager
    def _errors_with_target(self) -> Iterator[None]:
        """Replace the temporary file by the target in the errors of the block."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.target)) from error


def _file_name(response: httpx2.Response) -> str:
    """The file name in `Content-Disposition` (RFC 6266), without any folders."""
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    exact = re.search(r"filename\*=UTF-8''([^;]+)", header["content-disposition"], re.IGNORECASE)
    sent = unquote(exact[1]) if exact else header.get_filename("")
    name = sent.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    return _shortened(name) if name not in {"", ".", ".."} else "model.mlmodel"


def _shortened(name: str) -> str:
    """`name` cut to 255 bytes, the maximum of common file systems; the suffix is kept."""
    stem, dot, suffix = name.rpartition(".")
    end = f"{dot}{suffix}" if stem and len(suffix) <= _MAX_SUFFIX_LENGTH else ""
    max_stem_bytes = _MAX_NAME_BYTES - len(end.encode())
    return name.removesuffix(end).encode()[:max_stem_bytes].decode(errors="ignore") + end


def _sha256(response: httpx2.Response) -> bytes | None:
    """The digest in `Repr-Digest: sha-256=:base64:`; None if it is missing or cannot be decoded."""
    for member in response.headers.get("repr-digest", "").split(","):
        algorithm, _, value = member.strip().partition("=")
        if algorithm == "sha-256" and value.startswith(":") and value.endswith(":"):
            try:
                return base64.b64decode(value[1:-1], validate=True)
            except binascii.Error:
                return None
    return None
