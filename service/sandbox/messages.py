"""The messages between the service and a child, and the errors that an answer can carry."""

import errno
import json
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pippin.errors import Fault, PippinError

_LENGTHS = struct.Struct("!QQ")


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a task.

    Attributes:
        document: Any value that JSON can hold.
        attachment: Bytes, which are faster to pass outside JSON.
    """

    document: Any  # any JSON value
    attachment: bytes = b""


class TooLongError(Exception):
    """A message is longer than the receiver allows."""


def message(document: object, attachment: bytes = b"") -> bytes:
    """A message as `receive` reads it, without the attachment, which is sent after it.

    Raises:
        TypeError, ValueError: JSON cannot hold the document.
    """
    encoded = json.dumps(document).encode()
    return _LENGTHS.pack(len(encoded), len(attachment)) + encoded


def receive(connection: socket.socket, *, max_bytes: int, until: float | None = None) -> Answer:
    """Wait for a message.

    Args:
        connection: A blocking socket.
        max_bytes: The limit on document and attachment together.
        until: The deadline in the time of `time.monotonic`; None waits without a limit.

    Raises:
        TooLongError: It is longer than `max_bytes`; the connection cannot be used any more.
        EOFError, ConnectionError: The other end was closed before the message was complete.
        TimeoutError: It was not complete in time.
        ValueError, RecursionError: It is not a message.
    """
    document, attachment = _LENGTHS.unpack(_read(connection, _LENGTHS.size, until))
    if document + attachment > max_bytes:
        raise TooLongError
    return Answer(json.loads(_read(connection, document, until)), bytes(_read(connection, attachment, until)))


def _read(connection: socket.socket, size: int, until: float | None) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        if until is not None:
            # A timeout of 0 would make the socket non-blocking.
            connection.settimeout(max(until - time.monotonic(), 0.001))
        if not (count := connection.recv_into(rest)):
            raise EOFError
        rest = rest[count:]
    return data


Why = Literal["crashed", "too_slow", "too_large", "insufficient_storage", "cancelled", "unavailable"]

OUT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors of a full disk, an exhausted quota and a file at its maximum size."""


class SandboxError(PippinError):
    """A task ended without an answer.

    Attributes:
        why: "crashed", "too_slow" and "too_large" are caused by the task and its input; "insufficient_storage" (on
            disk) and "unavailable" by this machine, so the same call may succeed later; "cancelled" by the caller.
    """

    def __init__(self, why: Why, text: str) -> None:
        self.why = why
        super().__init__(text)


class TaskRefused(PippinError):  # noqa: N818 - "except TaskRefused" reads as the event
    """A task refused its input, with a message for the user.

    Attributes:
        kind: The name of the exception class that the task raised, such as `ModelFileError`.
        faults: The faults of a `FaultyDocumentError`; empty for any other error.
    """

    def __init__(self, kind: str, text: str, faults: Iterable[Fault] = ()) -> None:
        self.kind = kind
        self.faults = tuple(faults)
        super().__init__(text)
