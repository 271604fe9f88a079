"""Records as lines of JSON, and the blobs that they name."""

import json
import re
from collections.abc import Iterator

from pippin.store.backup.errors import BackupError
from pippin.store.snapshot import KeyCopy

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def encoded(copy: KeyCopy) -> str:
    """A key as one line of ASCII; bytes that are no UTF-8 are lone surrogates in it."""
    return json.dumps([copy.key, copy.type, copy.value, copy.expires_at], separators=(",", ":"))


def decoded(line: str) -> KeyCopy:
    """The key in a line.

    Raises:
        BackupError: It is no such line.
    """
    try:
        key, type_, value, expires_at = json.loads(line)
        return KeyCopy(str(key), str(type_), value, expires_at)
    except (ValueError, TypeError, RecursionError):
        raise BackupError("a line of the records cannot be read") from None


def digests_in(line: str) -> Iterator[bytes]:
    """The digests of all blobs that a line names anywhere: whichever field a version of Pippin keeps them in."""
    return (bytes.fromhex(match) for match in _DIGEST.findall(line))
