"""Many clients lose no event, and stalled clients are cut off. `make load` runs the full size and judges times."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load import listing, streams
from tests.support.service_process import ServiceProcess


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(tmp_path / "home", send_timeout_seconds=2) as running:
        running.wait_for_sample()
        yield running


@pytest.mark.full
def test_every_client_gets_each_event_once_despite_stalled_clients(service: ServiceProcess) -> None:
    shape = streams.Shape(clients=200, frozen=3, epochs=100, pause=0.05)
    figures = streams.measure(service, shape)
    assert len(figures.delays) == shape.clients * shape.epochs
    assert (figures.missing, figures.repeats) == (0, 0)
    assert figures.connections_left == 0
    assert max(figures.resident) < figures.resident[0] + 200 * 2**20


@pytest.mark.full
def test_jobs_submitted_concurrently_are_all_listed_newest_first(service: ServiceProcess) -> None:
    figures = asyncio.run(listing.measure(service.url, 200, at_once=16))
    assert len(figures.submitted) == 200
    assert figures.missing == 0
    assert figures.in_order
