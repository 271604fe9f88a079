"""Answers that are made while they are sent, so that long ones are never held whole."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from starlette.responses import Response, StreamingResponse

# Handing a piece from a thread to the server costs some 50 microseconds, whatever its size.
_PIECE = 2**16


def in_pieces(content: Iterable[bytes], media_type: str, headers: Mapping[str, str]) -> Response:
    """The answer with this content: with its length in front if it is short, else in pieces as they are made.

    Errors of `content` within its first 64 KiB are raised here, where they still become a problem.
    """
    pieces = _gathered(content)
    first = next(pieces, b"")
    second = next(pieces, None)
    if second is None:
        return Response(first, media_type=media_type, headers=dict(headers))
    return StreamingResponse(chain((first, second), pieces), media_type=media_type, headers=headers)


def _gathered(content: Iterable[bytes]) -> Iterator[bytes]:
    """The same content in pieces of 64 KiB or more, but for the last."""
    gathered = bytearray()
    for part in content:
        gathered += part
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
