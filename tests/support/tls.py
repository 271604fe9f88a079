"""TLS for tests: a certificate authority made with the openssl command, and a proxy that ends TLS before a server."""

import asyncio
import contextlib
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Self

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
_PIECE = 65_536


class Authority:
    """A certificate authority of our own, and the certificate that it gave to `localhost` and 127.0.0.1.

    Attributes:
        certificate: The authority's, which a client is to trust.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "authority.pem"
        extensions = folder / "extensions"
        extensions.write_text(
            "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n"
        )
        self._openssl("req -x509 -days 2 -subj /CN=authority -keyout authority.key -out authority.pem", *_KEY)
        self._openssl("req -subj /CN=localhost -keyout server.key -out server.csr", *_KEY)
        self._openssl(
            "x509 -req -days 2 -in server.csr -out server.pem -CA authority.pem -CAkey authority.key -CAcreateserial",
            "-extfile",
            extensions.name,
        )

    def context(self) -> ssl.SSLContext:
        """What a server shows its certificate with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._folder / "server.pem", self._folder / "server.key")
        return context

    def _openssl(self, line: str, *more: str) -> None:
        subprocess.run(["openssl", *line.split(), *more], cwd=self._folder, check=True, capture_output=True)


class TlsFront:
    """Listens with TLS on a free port of 127.0.0.1 and passes everything on to another port there.

    Args:
        target: That port.
        authority: Who certifies this one.
        cut_after: The first connection that begins with `GET /blobs/` breaks after so many bytes of its answer.

    Attributes:
        port: Where it listens.
        begins: What each connection began with.
    """

    def __init__(self, target: int, authority: Authority, *, cut_after: int | None = None) -> None:
        self._target = target
        self._context = authority.context()
        self._cut_after = cut_after
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls-front")
        self.port = 0
        self.begins: list[bytes] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)

    async def _close(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        connections = [task for task in asyncio.all_tasks() if task is not mine]
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            begin = await client.read(_PIECE)
            self.begins.append(begin)
            to_server.write(begin)
            cut = None
            if begin.startswith(b"GET /blobs/"):
                cut, self._cut_after = self._cut_after, None
            passing = [
                asyncio.create_task(_pass(client, to_server)),
                asyncio.create_task(_pass(server, to_client, cut)),
            ]
            try:
                await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in passing:
                    each.cancel()
                await asyncio.gather(*passing, return_exceptions=True)
        except ConnectionError:
            pass
        finally:
            for writer in (to_server, to_client):
                writer.close()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter, at_most: int | None = None) -> None:
    """Copies until the source ends, or so many bytes have passed."""
    passed = 0
    while piece := await source.read(_PIECE if at_most is None else min(_PIECE, at_most - passed)):
        target.write(piece)
        await target.drain()
        passed += len(piece)
