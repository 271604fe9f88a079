"""What service and child say to each other: a JSON document and bytes beside it, each with its length in front."""

import json
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct("!QQ")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task gives back.

    Attributes:
        document: Any value that JSON can hold.
        attachment: Bytes that JSON would only make slower.
    """

    document: Any  # whatever the task has to say
    attachment: bytes = b""


class TooLongError(Exception):
    """A message is longer than the receiver allows."""


def message(document: object, attachment: bytes = b"") -> bytes:
    """A message as `receive` reads it, but for the attachment, which is to be sent after it.

    Raises:
        TypeError, ValueError: JSON cannot hold the document.
    """
    encoded = json.dumps(document).encode()
    return _LENGTHS.pack(len(encoded), len(attachment)) + encoded


def receive(connection: socket.socket, *, most: int, until: float | None = None) -> Answer:
    """Wait for a message.

    Args:
        connection: A blocking socket.
        most: The most bytes that the message may have.
        until: When to give up, in the time of `time.monotonic`; None never does.

    Raises:
        TooLongError: It is longer; what follows in the connection is no message's beginning.
        EOFError, ConnectionError: The other end was closed before the message was complete.
        TimeoutError: It was not complete in time.
        ValueError, RecursionError: It is not a message.
    """
    document, attachment = _LENGTHS.unpack(_read(connection, _LENGTHS.size, until))
    if document + attachment > most:
        raise TooLongError
    return Answer(json.loads(_read(connection, document, until)), bytes(_read(connection, attachment, until)))


def _read(connection: socket.socket, size: int, until: float | None) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        if until is not None:
            # A timeout of 0 would mean another thing: not to block.
            connection.settimeout(max(until - time.monotonic(), 0.001))
        if not (count := connection.recv_into(rest)):
            raise EOFError
        rest = rest[count:]
    return data
