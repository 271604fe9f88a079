"""Work for a client ends when the client has gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.requests import Request

from service.sandbox import Abandonment


@asynccontextmanager
async def until_disconnected(request: Request) -> AsyncIterator[Abandonment]:
    """What is asked for as soon as the client closes its connection; the request's body has been read by now."""
    abandonment = Abandonment()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        abandonment.ask()

    watching = asyncio.create_task(watch())
    try:
        yield abandonment
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
