"""Both clients, and servers with scripted answers."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pippin.api.jobs import Job
from pippin.client import AsyncClient, Client
from tests.support.records import TIME, resolved_request
from tests.support.scripted_server import Reply, ScriptedServer

Ask = Callable[..., Any]
Serve = Callable[..., ScriptedServer]

STREAM = {"content-type": "text/event-stream"}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server: `serve(None, Answer(200, document))`."""
    with ExitStack() as servers:

        def start(*replies: Reply) -> ScriptedServer:
            return servers.enter_context(ScriptedServer(*replies))

        yield start


def job_document(**members: object) -> dict[str, Any]:
    """A queued job of two epochs as a service shows it that knows only the required members."""
    job = {
        "id": "job_1",
        "name": None,
        "status": "queued",
        "reason": None,
        "engine": None,
        "labels": {},
        "request": resolved_request(engine="auto").model_dump(),
        "created_at": TIME,
        "started_at": None,
        "finished_at": None,
        "retry_of": None,
        "progress": {"epoch": 0, "epochs": 2},
        "latest_metrics": None,
        "waiting_for": None,
        "attempts": [],
        "transitions": [{"from": None, "to": "queued", "at": TIME}],
        "artifacts": [],
    }
    return Job.model_validate(job).model_dump(mode="json", exclude_defaults=True) | members


def file_headers(content: bytes, disposition: str) -> dict[str, str]:
    """The headers of a download."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"repr-digest": f"md5=:AAAA:, sha-256=:{digest}:", "content-disposition": disposition}


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Calls a method of the client, once for each of the two: `ask(url, "jobs", limit=3)` lists what iterates."""

    def with_client(url: str, method: str, *args: object, **options: object) -> object:
        with Client(url, patience=0.5, follow_patience=5) as client:
            result = getattr(client, method)(*args, **options)
            return list(result) if isinstance(result, Iterator) else result

    async def with_async_client(url: str, method: str, *args: object, **options: object) -> object:
        async with AsyncClient(url, patience=0.5, follow_patience=5) as client:
            result = getattr(client, method)(*args, **options)
            return [each async for each in result] if isinstance(result, AsyncIterator) else await result

    def run(url: str, method: str, *args: object, **options: object) -> object:
        return asyncio.run(with_async_client(url, method, *args, **options))

    return with_client if request.param == "sync" else run
