"""The `Range` header: which bytes of a file a client asks for (RFC 9110 section 14)."""

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"\s*bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)

# Two numbers of 19 digits, and room for spaces.
_LONGEST = 100


class UnsatisfiableError(Exception):
    """No byte of the range lies in the file: the answer is 416."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes from `start` up to, not including, `stop` of a file of `size` bytes."""

    start: int
    stop: int
    size: int

    @property
    def content_range(self) -> str:
        """The `Content-Range` header's value."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def requested(header: str | None, size: int) -> Slice | None:
    """The part of a file of `size` bytes that a `Range` header asks for; None means the whole file.

    A header in another unit, malformed, or of several ranges is passed over, as RFC 9110 section 14.2 lets a server do.

    Raises:
        UnsatisfiableError: The range is well-formed, and wholly outside the file.
    """
    # Matching takes the square of the length: 64 KB of spaces, which a header may have, took half a minute.
    match = _SINGLE.fullmatch(header) if header and len(header) <= _LONGEST else None
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:
        start, stop = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        last = int(match[2]) if match[2] else size - 1
        if match[2] and last < start:
            return None
        stop = min(size, last + 1)
    if start >= stop:
        raise UnsatisfiableError
    return Slice(start, stop, size)
