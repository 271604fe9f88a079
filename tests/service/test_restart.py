"""A restart of the service: requests in flight are answered, and followers of a job lose nothing."""

import asyncio
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from pippin.client import AsyncClient, Client
from pippin.client.streams import EventStreamParser
from tests.service.conftest import MakeTrainer, StartProcess
from tests.support.problems import is_problem
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


SECONDS = 60.0


Event = tuple[str, str, int | None]
Note = Callable[[str, str, dict[str, Any]], None]


class Follower(threading.Thread):
    """Follows a job with as many connections as needed.

    Args:
        follow: Follows the job with the given id at the given address, and notes each event.

    Attributes:
        seen: The type, the id and, for an epoch, the number of every event so far.
        failure: The exception that ended it early.
    """

    def __init__(self, follow: Callable[[str, str, Note], None], url: str, job_id: str) -> None:
        super().__init__(daemon=True)
        self.seen: list[Event] = []
        self.failure: Exception | None = None
        self._follow: Callable[[], None] = lambda: follow(url, job_id, self._note)
        self.start()

    def run(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.failure = error

    def _note(self, kind: str, event_id: str, data: dict[str, Any]) -> None:
        self.seen.append((kind, event_id, data.get("epoch")))

    def epochs(self) -> list[int | None]:
        return [epoch for kind, _, epoch in self.seen if kind == "epoch"]


def with_client(url: str, job_id: str, note: Note) -> None:
    with Client(url, follow_patience=SECONDS) as client:
        for event in client.events(job_id):
            note(event.type, event.id, event.data)


def with_async_client(url: str, job_id: str, note: Note) -> None:
    async def run() -> None:
        async with AsyncClient(url, follow_patience=SECONDS) as client:
            async for event in client.events(job_id):
                note(event.type, event.id, event.data)

    asyncio.run(run())


class Browser:
    """Behaves like an EventSource of the HTML standard, and counts its connections."""

    connections = 0

    def __call__(self, url: str, job_id: str, note: Note) -> None:
        parser = EventStreamParser()
        has_ended = False
        deadline = time.monotonic() + SECONDS
        while not has_ended and time.monotonic() < deadline:
            headers = {"accept": "text/event-stream"}
            if parser.last_event_id:
                headers["last-event-id"] = parser.last_event_id
            try:
                with httpx2.stream("GET", f"{url}/jobs/{job_id}/events", headers=headers, timeout=SECONDS) as answer:
                    assert answer.status_code == 200
                    self.connections += 1
                    for chunk in answer.iter_bytes():
                        for event in parser.feed(chunk):
                            note(event.type, event.id, json.loads(event.data))
                            has_ended = event.type == "end"
            except httpx2.ConnectError:
                time.sleep(0.1)
                continue
            # The stream ended in order, so a browser would reconnect after the `retry` time.
            assert parser.retry == 1.0
            parser = EventStreamParser(parser.last_event_id, parser.retry)


def test_followers_lose_and_repeat_nothing_through_a_restart(
    start_process: StartProcess, submitted: Callable[..., str], trainer: MakeTrainer
) -> None:
    first = start_process()
    url = first.address()
    job_id = submitted()
    browser = Browser()
    followers = [Follower(follow, url, job_id) for follow in (with_client, with_async_client, browser)]

    def all_have(epochs: list[int]) -> None:
        wait_for(lambda: all(each.epochs() == epochs or each.failure for each in followers), f"all have {epochs}")

    attempt = trainer(job_id)
    attempt.begin()
    attempt.epoch(1)
    all_have([1])
    first.ask_to_stop()
    attempt.epoch(2)
    assert first.process.wait(20) in {0, -signal.SIGTERM}
    attempt.epoch(3)
    again = start_process(PIPPIN_PORT=url.rpartition(":")[2])
    assert again.address() == url
    all_have([1, 2, 3])
    attempt.epoch(4)
    attempt.succeed()
    for each in followers:
        each.join(SECONDS)
        assert each.failure is None
        assert not each.is_alive()
    seen, *others = (each.seen for each in followers)
    assert others == [seen, seen]
    assert followers[0].epochs() == [1, 2, 3, 4]
    assert [kind for kind, _, _ in seen].count("end") == 1
    ids = [event_id for kind, event_id, _ in seen if kind != "end"]
    assert len(set(ids)) == len(ids)
    assert browser.connections >= 2


def test_draining_service_is_unready_and_still_answers(
    start_process: StartProcess, submitted: Callable[..., str], trainer: MakeTrainer
) -> None:
    service = start_process(PIPPIN_SERVICE_DRAIN_SECONDS="600")
    url = service.address()
    job_id = submitted()
    follower = Follower(with_client, url, job_id)
    wait_for(lambda: follower.seen, "the follower is there")
    wait_for(lambda: httpx2.get(f"{url}/readyz").status_code == 200, "it is ready")
    service.ask_to_stop()
    wait_for(lambda: httpx2.get(f"{url}/readyz").status_code == 503, "it says that it drains")
    problem = is_problem(httpx2.get(f"{url}/readyz"), 503, "unavailable")
    assert "draining" in problem["detail"]
    assert httpx2.get(f"{url}/healthz").status_code == 200
    attempt = trainer(job_id)
    attempt.begin()
    attempt.epoch(1)
    wait_for(lambda: follower.epochs() == [1], "the stream goes on")
    assert service.process.poll() is None
    # Ctrl-C ends the draining service at once.
    service.process.send_signal(signal.SIGINT)
    service.process.wait(20)


@pytest.mark.parametrize("path", ["/datasets?name=slow", "/jobs"])
def test_request_in_flight_at_sigterm_is_answered(start_process: StartProcess, tiny_npz: bytes, path: str) -> None:
    service = start_process(PIPPIN_SERVICE_GRACE_SECONDS="60")
    url = service.address()
    httpx2.post(f"{url}/datasets?name=tiny", content=tiny_npz, timeout=SECONDS)
    job = json.dumps({"model": {"preset": "mnist-cnn"}, "dataset": "tiny"}).encode()
    body, kind, status = (job, "application/json", 202) if path == "/jobs" else (tiny_npz, "application/zip", 201)

    def listens() -> bool:
        try:
            httpx2.get(f"{url}/healthz", timeout=SECONDS)
        except httpx2.TransportError:
            return False
        return True

    def pieces() -> Iterator[bytes]:
        yield body[:40]
        service.ask_to_stop()
        wait_for(lambda: not listens(), "it takes no new connection")
        yield body[40:]

    answer = httpx2.post(f"{url}{path}", content=pieces(), headers={"content-type": kind}, timeout=SECONDS)
    assert answer.status_code == status, answer.text
    assert service.process.wait(20) in {0, -signal.SIGTERM}
