"""Writes a download to its place once it is complete and has the digest that the service sent."""

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
_MAX_SUFFIX = 20


class Download:
    """A file that is being downloaded. Used as a context: unless `keep` was called by its end, the file is removed.

    Args:
        target: The file to write, or a folder, in which the file has the name that the service sends.
        response: The answer that carries it, its body unread.

    Raises:
        OSError: The file cannot be written; every method may raise it. Its `filename` is the target.
    """

    def __init__(self, target: Path, response: httpx2.Response) -> None:
        self.target = target / _name(response) if target.is_dir() else target
        self._url = without_password(str(response.url))
        self._promised = _sha256(response)
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        # Moving a file into the place of a device, such as /dev/null, would replace the device.
        if self.target.exists() and not self.target.is_file():
            raise OSError(errno.EINVAL, "it is not a regular file", str(self.target))
        # Without the target's name, which may be as long as a name can be.
        self._part = self.target.with_name(f".pippin-{secrets.token_hex(8)}.part")
        with self._named():
            self._file = self._part.open("xb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # After a full disk, closing fails as writing did.
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self._hash.update(chunk)
        with self._named():
            self._file.write(chunk)

    def keep(self) -> Path:
        """Move the complete file to its place in one step, and return its path.

        Raises:
            DamagedDownloadError: If it is not what the service promised in `Repr-Digest` (RFC 9530).
        """
        if self._promised is None:
            raise DamagedDownloadError(f"{self._url} came without a Repr-Digest to check it against; nothing was kept.")
        if self._hash.digest() != self._promised:
            raise DamagedDownloadError(
                f"{self._url} arrived with SHA-256 {self._hash.hexdigest()}, but the service promised "
                f"{self._promised.hex()}; nothing was kept. Downloading it again may help."
            )
        with self._named():
            self._file.close()
            self._part.replace(self.target)
        return self.target

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let errors name the target, not the temporary file."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.target)) from error


def _name(response: httpx2.Response) -> str:
    """The file name of `Content-Disposition` (RFC 6266), without any folder that it may name."""
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    exact = re.search(r"filename\*=UTF-8''([^;]+)", header["content-disposition"], re.IGNORECASE)
    sent = unquote(exact[1]) if exact else header.get_filename("")
    name = sent.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    return _fitting(name) if name not in {"", ".", ".."} else "model.mlmodel"


def _fitting(name: str) -> str:
    """A file name of at most 255 bytes, which is as long as file systems take; the suffix stays."""
    stem, dot, suffix = name.rpartition(".")
    end = f"{dot}{suffix}" if stem and len(suffix) <= _MAX_SUFFIX else ""
    room = _MAX_NAME_BYTES - len(end.encode())
    return name.removesuffix(end).encode()[:room].decode(errors="ignore") + end


def _sha256(response: httpx2.Response) -> bytes | None:
    """The digest in `Repr-Digest: sha-256=:base64:`; None where there is none that can be read."""
    for member in response.headers.get("repr-digest", "").split(","):
        algorithm, _, value = member.strip().partition("=")
        if algorithm == "sha-256" and value.startswith(":") and value.endswith(":"):
            try:
                return base64.b64decode(value[1:-1], validate=True)
            except binascii.Error:
                return None
    return None
