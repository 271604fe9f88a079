"""Hundreds of clients of one event stream in one cheap process: raw sockets and minimal parsing.

Reads its task as JSON from standard input, prints a line once every client is connected, and the arrivals at the end.
"""

import array
import asyncio
import json
import re
import resource
import sys
import time

_EPOCH = re.compile(rb'data: \{"epoch":(\d+),')


class Client(asyncio.Protocol):
    """Records the arrival time of each epoch until its stream ends."""

    def __init__(self, request: bytes, epochs: int) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.arrivals = array.array("d", bytes(8 * epochs))
        self.repeats = 0
        self._request = request
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.begun.set()
        *whole, self._rest = (self._rest + data).split(b"\n\r\n")
        for event in whole:
            match = _EPOCH.search(event)
            if match:
                place = int(match[1]) - 1
                self.repeats += self.arrivals[place] != 0
                self.arrivals[place] = now

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the protocol's signature)
        self.begun.set()
        self.ended.set()


async def watch(host: str, port: int, path: str, count: int, epochs: int) -> list[Client]:
    """Open `count` streams, print a line, and wait for the end of each."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    clients = [Client(request, epochs) for _ in range(count)]
    for some in (clients[begin : begin + 25] for begin in range(0, count, 25)):
        for client in some:
            await loop.create_connection(lambda client=client: client, host, port)  # type: ignore[misc]
        for client in some:
            await client.begun.wait()
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    for client in clients:
        await client.ended.wait()
    return clients


def main() -> None:
    task = json.loads(sys.stdin.readline())
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    clients = asyncio.run(watch(**task))
    result = {"arrivals": [list(client.arrivals) for client in clients], "repeats": sum(c.repeats for c in clients)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
