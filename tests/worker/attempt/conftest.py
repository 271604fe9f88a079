"""Attempts in the test's process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from pippin.api.jobs import Job
from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.store import Claim, new_token
from tests.worker.conftest import TENANT, Bench
from worker.attempt.run import AttemptContext, run
from worker.child import Assignment
from worker.engines.engine import Engine
from worker.stop import StopFlag

Attempt = Callable[..., None]


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    """The log; structlog's own rendering of a traceback takes seconds."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def attempt(bench: Bench, home: Path) -> Attempt:
    """Makes one attempt at a job with an engine, from claim to settlement."""

    def make(
        job: Job,
        engine: Engine,
        *,
        number: int = 1,
        stop: StopFlag | None = None,
        blobs: Blobs | None = None,
        **options: int,
    ) -> None:
        used = blobs or bench.blobs
        tools = AttemptContext(
            store=bench.store,
            blobs=used,
            cache=BlobCache(home / "cache" / "blobs", 10**9, used),
            engine=engine,
            renew_seconds=0.1,
            blob_seconds=0.3,
            **options,
        )
        run(Assignment(Claim(TENANT, job.id, number, new_token()), "bench", engine.name), tools, stop or StopFlag())

    return make
