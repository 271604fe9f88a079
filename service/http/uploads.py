"""Writes uploaded files to disk as they arrive, and cancels the work on them when the client disconnects."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from pippin.datasets.upload import Spool, Upload, UploadedFile
from service.http.media_types import media_type, unsupported
from service.problems import Problem

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from service.sandbox import Cancellation

_MAX_FILES = 1000
# What curl, browsers and libraries send for a file. curl --data-binary sends a form's media type by default.
_RAW = frozenset(
    {
        "",
        "application/octet-stream",
        "application/zip",
        "application/x-zip-compressed",
        "application/gzip",
        "application/x-gzip",
        "application/vnd.ms-excel",
        "application/x-www-form-urlencoded",
        "text/csv",
        "text/plain",
    }
)


async def receive(
    request: Request,
    folder: Path,
    limit: int,
    *,
    raw: Collection[str] = _RAW,
    suggested: Sequence[str] = ("application/zip", "text/csv"),
) -> Upload:
    """Write the files of the request's body into `folder`, which the caller removes.

    Args:
        request: Its body is one file, or multipart/form-data with several.
        folder: An empty folder.
        limit: The limit on the bytes of all files together.
        raw: The media types of a body that is one file; "" stands for no Content-Type.
        suggested: Media types that the 415 names beside application/octet-stream.

    Raises:
        Problem: 400 for broken multipart, 413 beyond the limit, 415 for another media type.
    """
    if media_type(request) == "multipart/form-data":
        return await _receive_multipart(request, folder, limit)
    if media_type(request) not in raw:
        raise unsupported(request, "multipart/form-data", "application/octet-stream", *suggested)
    return Upload((await spooled(request, folder / "0", limit),))


async def spooled(request: Request, path: Path, limit: int) -> UploadedFile:
    """The request's body, written to `path` as it arrives.

    Raises:
        Problem, DatasetTooLargeError: It has more than `limit` bytes.
    """
    with Spool(path, limit) as spool:
        async for chunk in request.stream():
            await run_in_threadpool(spool.write, chunk)
        return spool.finish("")


async def _receive_multipart(request: Request, folder: Path, limit: int) -> Upload:
    _, options = parse_options_header(request.headers["content-type"])
    if not (boundary := options.get(b"boundary")):
        raise Problem("malformed-body", "The multipart body's Content-Type has no boundary.")
    with _Parts(folder, limit) as parts:
        try:
            parser = MultipartParser(boundary, parts.callbacks())
            async for chunk in request.stream():
                await run_in_threadpool(parser.write, chunk)
            parser.finalize()
        except FormParserError as error:
            raise Problem("malformed-body", f"The multipart body cannot be read: {error}.") from error
        return parts.finish()


class _Parts(ExitStack):
    """Writes each file that the multipart parser reports to a `Spool`."""

    def __init__(self, folder: Path, limit: int) -> None:
        super().__init__()
        self._folder = folder
        self._left = limit
        self._field = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._spool: Spool | None = None
        self._files: list[UploadedFile] = []
        self._complete = False

    def callbacks(self) -> "MultipartCallbacks":
        """The callbacks for the parser."""
        return {
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_ended,
            "on_headers_finished": self._part_began,
            "on_part_data": self._part_data,
            "on_part_end": self._part_ended,
            "on_end": self._ended,
        }

    def finish(self) -> Upload:
        """The upload, after the last chunk."""
        if not self._complete:
            raise Problem("malformed-body", "The multipart body ends before its last boundary.")
        if not self._files:
            raise Problem("malformed-body", "The multipart body contains no file.")
        return Upload(tuple(self._files))

    def _header_ended(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _part_began(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._headers.clear()
        if b"filename" not in options:
            field = options.get(b"name", b"").decode(errors="replace")
            raise Problem(
                "malformed-body",
                f"The multipart field {field!r} is not a file; send options such as name in the query.",
            )
        if len(self._files) == _MAX_FILES:
            raise Problem(
                "body-too-large", f"At most {_MAX_FILES:,} files can be sent together; send more files in a ZIP."
            )
        self._name = options[b"filename"].decode(errors="replace")
        self._spool = self.enter_context(Spool(self._folder / str(len(self._files)), self._left))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        assert self._spool is not None
        self._spool.write(data[start:end])

    def _part_ended(self) -> None:
        assert self._spool is not None
        file = self._spool.finish(self._name)
        self._left -= file.bytes
        self._files.append(file)
        self._spool = None

    def _ended(self) -> None:
        self._complete = True


@asynccontextmanager
async def until_disconnected(request: Request) -> AsyncIterator[Cancellation]:
    """A cancellation that is requested when the client disconnects. The body of the request must have been read."""
    cancellation = Cancellation()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        cancellation.cancel()

    task = asyncio.create_task(watch())
    try:
        yield cancellation
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
