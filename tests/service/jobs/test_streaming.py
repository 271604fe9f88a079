import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from pippin.client.streams import EventStreamParser, ServerSentEvent
from tests.service.conftest import MakeService, MakeTrainer, RunningService, Submit, Trainer
from tests.support.waiting import wait_for

SSE = {"accept": "text/event-stream"}


class Listener:
    """Reads a stream of server-sent events in a separate thread."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.events: list[ServerSentEvent] = []
        self.comments = 0
        self._grown = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        parser = EventStreamParser()
        try:
            for chunk in self.response.iter_bytes():
                with self._grown:
                    self.comments += chunk.count(b": ping")
                    self.events += parser.feed(chunk)
                    self._grown.notify_all()
        except (httpx2.HTTPError, httpx2.StreamClosed, OSError):
            pass
        with self._grown:
            self._ended = True
            self._grown.notify_all()

    def wait_until(self, condition: Callable[[], object]) -> None:
        with self._grown:
            assert self._grown.wait_for(condition, timeout=60), [event.type for event in self.events]

    def wait_for_events(self, count: int) -> None:
        self.wait_until(lambda: len(self.events) == count)

    def wait_for_end(self) -> list[ServerSentEvent]:
        self.wait_until(lambda: self._ended)
        self._thread.join()
        return self.events


@contextmanager
def listening(http: httpx2.Client, path: str, **headers: str) -> Iterator[Listener]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with http.stream("GET", path, headers=SSE | named) as response:
        assert response.status_code == 200
        listener = Listener(response)
        yield listener
        if not listener._ended:
            # Closes the connection for the reading thread too.
            response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        listener.wait_for_end()


@pytest.fixture
def attempt(submit: Submit, trainer: MakeTrainer) -> Trainer:
    """An attempt at a job that has not begun."""
    return trainer(submit()["id"])


def type_and_epoch(events: list[ServerSentEvent]) -> list[tuple[str, Any]]:
    return [(event.type, json.loads(event.data).get("epoch")) for event in events]


def test_epochs_are_streamed_during_training_and_then_the_end(http: httpx2.Client, attempt: Trainer) -> None:
    with listening(http, f"/jobs/{attempt.job_id}/metrics") as listener:
        headers = listener.response.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["x-accel-buffering"] == "no"
        assert headers["cache-control"] == "no-store, no-transform"
        attempt.begin()
        for epoch in (1, 2, 3):
            place = attempt.epoch(epoch)
            listener.wait_for_events(epoch)
            assert listener.events[-1].id == place
            assert json.loads(listener.events[-1].data)["epoch"] == epoch
        attempt.succeed()
        events = listener.wait_for_end()
    assert type_and_epoch(events) == [("epoch", 1), ("epoch", 2), ("epoch", 3), ("end", None)]
    assert json.loads(events[-1].data) == {"job": attempt.job_id, "status": "succeeded", "reason": None}


def test_event_stream_contains_states_and_log_lines(http: httpx2.Client, attempt: Trainer) -> None:
    with listening(http, f"/jobs/{attempt.job_id}/events") as listener:
        attempt.begin()
        attempt.log("one\ntwo")
        attempt.fail()
        events = listener.wait_for_end()
    assert [event.type for event in events] == ["state", "state", "state", "log", "state", "end"]
    assert json.loads(events[3].data)["line"] == "one\ntwo"
    assert json.loads(events[-1].data)["reason"]["code"] == "diverged"


def test_batches_are_separate_events_when_requested(http: httpx2.Client, submit: Submit, trainer: MakeTrainer) -> None:
    job_id = submit(report="batch")["id"]
    attempt = trainer(job_id)
    attempt.begin()
    attempt.epoch(1, [0.5, 0.25])
    attempt.fail()
    with listening(http, f"/jobs/{job_id}/metrics?batches=true") as listener:
        events = listener.wait_for_end()
    assert [event.type for event in events] == ["batches", "epoch", "end"]
    assert json.loads(events[0].data)["losses"] == [0.5, 0.25]


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_stream_resumes_without_loss_or_repeat(http: httpx2.Client, how: str, attempt: Trainer) -> None:
    path = f"/jobs/{attempt.job_id}/metrics"
    attempt.begin()
    attempt.epoch(1)
    with listening(http, path) as listener:
        listener.wait_until(lambda: listener.events)
        seen = listener.events[-1].id
    attempt.epoch(2)
    resumed = listening(http, path, last_event_id=seen) if how == "header" else listening(http, f"{path}?after={seen}")
    with resumed as listener:
        listener.wait_until(lambda: listener.events)
        attempt.epoch(3)
        attempt.succeed()
        events = listener.wait_for_end()
    assert type_and_epoch(events) == [("epoch", 2), ("epoch", 3), ("end", None)]


def test_last_event_id_header_overrides_the_after_parameter(http: httpx2.Client, attempt: Trainer) -> None:
    attempt.begin()
    first, second = attempt.epoch(1), attempt.epoch(2)
    attempt.fail()
    with listening(http, f"/jobs/{attempt.job_id}/metrics?after={first}", last_event_id=second) as listener:
        assert type_and_epoch(listener.wait_for_end()) == [("end", None)]


def test_final_job_is_replayed_once_and_then_answers_204(http: httpx2.Client, attempt: Trainer) -> None:
    attempt.train()
    for path in (f"/jobs/{attempt.job_id}/metrics", f"/jobs/{attempt.job_id}/events"):
        with listening(http, path) as listener:
            events = listener.wait_for_end()
        assert events[-1].type == "end"
        again = http.get(path, headers=SSE | {"last-event-id": events[-1].id})
        assert (again.status_code, again.content) == (204, b"")
        past = http.get(path, headers=SSE | {"last-event-id": "99999999999999-0"})
        assert past.status_code == 204
        with listening(http, path, last_event_id=events[-3].id) as listener:
            assert listener.wait_for_end() == [event for event in events if event.id > events[-3].id]


def test_ten_clients_of_one_job_receive_every_event_once(http: httpx2.Client, attempt: Trainer) -> None:
    attempt.begin()
    received: list[list[tuple[str, Any]]] = []

    def watch() -> None:
        with listening(http, f"/jobs/{attempt.job_id}/metrics") as listener:
            received.append(type_and_epoch(listener.wait_for_end()))

    watchers = [threading.Thread(target=watch) for _ in range(10)]
    for number, watcher in enumerate(watchers):
        watcher.start()
        if number % 4 == 0:
            attempt.epoch(number // 4 + 1)
    attempt.succeed()
    for watcher in watchers:
        watcher.join(20)
    assert received == [[("epoch", 1), ("epoch", 2), ("epoch", 3), ("end", None)]] * 10


@pytest.mark.parametrize(
    ("form", "first"), [("application/x-ndjson", b'{"epoch":1,'), ("text/csv", b"epoch,epochs,loss,")]
)
def test_ndjson_and_csv_can_be_followed(http: httpx2.Client, form: str, first: bytes, attempt: Trainer) -> None:
    attempt.begin()
    attempt.epoch(1)
    with http.stream("GET", f"/jobs/{attempt.job_id}/metrics?follow=true", headers={"accept": form}) as answer:
        assert answer.headers["content-type"].startswith(form)
        chunks = answer.iter_bytes()
        content = next(chunks)
        assert content.startswith(first)
        attempt.epoch(2)
        attempt.succeed()
        content += b"".join(chunks)
    snapshot = http.get(f"/jobs/{attempt.job_id}/metrics", headers={"accept": form})
    assert content == snapshot.content
    assert len(content.splitlines()) == (2 if form.endswith("ndjson") else 3)


def test_disconnected_client_is_unsubscribed(http: httpx2.Client, service: RunningService, attempt: Trainer) -> None:
    with listening(http, f"/jobs/{attempt.job_id}/events") as listener:
        listener.wait_until(lambda: listener.events)
        assert service.followers == 1
    wait_for(lambda: service.followers == 0, "the client is unsubscribed")


@contextmanager
def short_send_timeout(service: RunningService) -> Iterator[None]:
    """The service waits half a second for a client to read."""
    state = service.state
    usual = state.services
    state.services = replace(usual, streams=replace(usual.streams, send_timeout=0.5))
    yield
    state.services = usual


def test_stalled_client_is_dropped_and_can_reconnect(
    http: httpx2.Client, service: RunningService, submit: Submit, trainer: MakeTrainer
) -> None:
    attempt = trainer(submit(report="batch", hyperparameters={"epochs": 1000})["id"])
    attempt.begin()
    path = f"/jobs/{attempt.job_id}/metrics?batches=true"
    with short_send_timeout(service), socket.socket() as frozen:
        frozen.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        frozen.connect(("127.0.0.1", http.base_url.port))
        frozen.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
        wait_for(lambda: service.followers == 1, "the client follows")
        # More than the socket buffers hold.
        for epoch in range(1, 21):
            attempt.epoch(epoch, [0.123456789] * 50_000)
        wait_for(lambda: service.followers == 0, "the client is dropped")
    attempt.fail()
    with listening(http, path) as listener:
        events = listener.wait_for_end()
    assert [event.type for event in events] == ["batches", "epoch"] * 20 + ["end"]


def test_streams_close_without_an_end_event_when_the_service_stops(
    make_service: MakeService, submitted: Callable[..., str], trainer: MakeTrainer
) -> None:
    service, job_id = make_service(), submitted()
    trainer(job_id).begin()
    lines = {"accept": "application/x-ndjson"}
    with (
        service.client() as http,
        listening(http, f"/jobs/{job_id}/events") as listener,
        http.stream("GET", f"/jobs/{job_id}/events?follow=true", headers=lines) as followed,
    ):
        listener.wait_until(lambda: len(listener.events) == 3)
        service.stop()
        assert [event.type for event in listener.wait_for_end()] == ["state"] * 3
        assert len(list(followed.iter_lines())) == 3
