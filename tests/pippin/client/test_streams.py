"""A stream that breaks at any point is resumed without loss or repeat."""

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from pippin.client import Client, ServiceError, ServiceUnreachable, streams
from pippin.client.streams import StreamFollower
from pippin.system.retry import Backoff

Calls = Callable[..., Any]

EPOCHS = 5


def epoch(number: int) -> bytes:
    metrics = {
        "epoch": number, "epochs": EPOCHS, "loss": 1 / number, "validation_loss": None, "validation_accuracy": None,
        "examples_per_second": 1.0, "seconds": 1.0, "learning_rate": 0.1, "engine": "jax", "attempt": 1,
        "time": "2026-11-23T10:00:00Z",
    }  # fmt: skip
    return f"id: {number}-0\nevent: epoch\ndata: {json.dumps(metrics)}\n\n".encode()


END = b'id: 9-0\nevent: end\ndata: {"status": "succeeded"}\n\n'
STREAM = {"content-type": "text/event-stream"}


def whole(after: str) -> bytes:
    start = int(after.partition("-")[0] or 0)
    return b": hello\n\n" + b"".join(epoch(number) for number in range(start + 1, EPOCHS + 1)) + END


def test_every_epoch_arrives_once_and_the_end_event_ends_the_stream(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(200, whole(""), STREAM))
    assert [each.epoch for each in ask(server.url, "follow", "job_1")] == [1, 2, 3, 4, 5]
    assert server.seen[0].headers["accept"] == "text/event-stream"
    assert "last-event-id" not in server.seen[0].headers


@pytest.mark.parametrize("length", [1, 40, 300, 500, 700])
def test_repeatedly_cut_stream_is_resumed_without_loss_or_repeat(
    ask: Calls, serve: Calls, answer: Calls, length: int
) -> None:
    """Each connection but every third carries only its first `length` bytes, in the middle of some event."""

    def cut(seen: SimpleNamespace, count: int) -> object:
        body = whole(seen.headers.get("last-event-id", ""))
        return answer(200, body if count % 3 == 2 else body[:length], STREAM, cut=count % 3 != 2)

    server = serve(cut)
    assert [each.epoch for each in ask(server.url, "follow", "job_1")] == [1, 2, 3, 4, 5]
    assert len(server.seen) >= 2


def test_stream_without_an_end_event_is_requested_again(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda seen, n: answer(200, whole(seen.headers.get("last-event-id", ""))[: 300 if n == 0 else None]))
    assert [each.epoch for each in ask(server.url, "follow", "job_1")] == [1, 2, 3, 4, 5]


def test_status_204_ends_the_stream(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(204))
    assert ask(server.url, "follow", "job_1", after="9-0") == []
    assert server.seen[0].headers["last-event-id"] == "9-0"


def test_stream_is_retried_after_status_503(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda _, count: answer(503) if count == 0 else answer(200, whole(""), STREAM))
    assert len(ask(server.url, "follow", "job_1")) == EPOCHS


def test_stream_of_an_unknown_job_raises_at_once(ask: Calls, serve: Calls, answer: Calls) -> None:
    server = serve(lambda *_: answer(404, b'{"title": "Not found"}'))
    with pytest.raises(ServiceError, match="Not found"):
        ask(server.url, "follow", "job_1")
    assert len(server.seen) == 1


def test_events_carry_their_type_and_data_up_to_the_end(ask: Calls, serve: Calls, answer: Calls) -> None:
    body = b'id: 1-0\nevent: state\ndata: {"to": "queued"}\n\n' + END
    server = serve(lambda *_: answer(200, body, STREAM))
    found = ask(server.url, "events", "job_1")
    assert [(each.id, each.type, each.data) for each in found] == [
        ("1-0", "state", {"to": "queued"}),
        ("9-0", "end", {"status": "succeeded"}),
    ]


@pytest.mark.parametrize("data", [b"not json", b'{"epoch": 0}'])
def test_malformed_event_is_reported_as_not_pippins(ask: Calls, serve: Calls, answer: Calls, data: bytes) -> None:
    server = serve(lambda *_: answer(200, b"event: epoch\ndata: " + data + b"\n\n", STREAM))
    with pytest.raises(ServiceError, match="Not a valid e"):
        ask(server.url, "follow", "job_1")


def test_following_ends_after_the_follow_patience(serve: Calls) -> None:
    server = serve(lambda *_: None)
    with Client(server.url, follow_patience=0.3) as client, pytest.raises(ServiceUnreachable):
        list(client.follow("job_1"))
    assert len(server.seen) > 1


@pytest.mark.parametrize("steady", [True, False])
def test_steady_stream_without_events_resets_the_patience(monkeypatch: pytest.MonkeyPatch, steady: bool) -> None:
    """A job can wait in its queue for longer than the patience; then the stream carries only comments."""
    monkeypatch.setattr(streams, "_STEADY_SECONDS", 0.1 if steady else 60)
    followed = StreamFollower("http://127.0.0.1:1", Backoff(seconds=0.3))
    followed.headers()
    time.sleep(0.35)
    assert followed.feed(b": ping\n\n") == []
    with nullcontext() if steady else pytest.raises(ServiceUnreachable):
        assert followed.pause_after(None) > 0
