"""A stream that breaks at any point is resumed without loss or repeat."""

import time
from contextlib import nullcontext

import pytest

from pippin.client import Client, ServiceError, ServiceUnreachable, streams
from pippin.client.streams import StreamFollower
from pippin.system.retry import Backoff
from tests.pippin.client.conftest import STREAM, Ask, Serve
from tests.support.records import epoch_metrics
from tests.support.scripted_server import Answer, Seen

EPOCHS = 5
END = b'id: 9-0\nevent: end\ndata: {"status": "succeeded"}\n\n'


def epoch(number: int) -> bytes:
    metrics = epoch_metrics(number, epochs=EPOCHS).model_dump_json()
    return f"id: {number}-0\nevent: epoch\ndata: {metrics}\n\n".encode()


def stream_after(last_event_id: str) -> bytes:
    start = int(last_event_id.partition("-")[0] or 0)
    return b": hello\n\n" + b"".join(epoch(number) for number in range(start + 1, EPOCHS + 1)) + END


def rest(seen: Seen) -> bytes:
    """The events after those that the client has."""
    return stream_after(seen.headers.get("last-event-id", ""))


def test_every_epoch_arrives_once_and_the_end_event_ends_the_stream(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(200, stream_after(""), STREAM))
    assert [each.epoch for each in ask(server.url, "follow", "job_1")] == [1, 2, 3, 4, 5]
    assert server.seen[0].headers["accept"] == "text/event-stream"
    assert "last-event-id" not in server.seen[0].headers


@pytest.mark.parametrize("length", [1, 40, 300, 500, 700])
def test_repeatedly_cut_stream_is_resumed_without_loss_or_repeat(ask: Ask, serve: Serve, length: int) -> None:
    """Each connection but every third carries only its first `length` bytes, in the middle of some event."""

    def cut(seen: Seen, count: int) -> Answer:
        body = rest(seen)
        return Answer(200, body if count % 3 == 2 else body[:length], STREAM, cut=count % 3 != 2)

    server = serve(cut)
    assert [each.epoch for each in ask(server.url, "follow", "job_1")] == [1, 2, 3, 4, 5]
    assert len(server.seen) >= 2


def test_stream_without_an_end_event_is_requested_again(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(200, stream_after("")[:300]), lambda seen, _: Answer(200, rest(seen)))
    assert [each.epoch for each in ask(server.url, "follow", "job_1")] == [1, 2, 3, 4, 5]


def test_status_204_ends_the_stream(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(204))
    assert ask(server.url, "follow", "job_1", after="9-0") == []
    assert server.seen[0].headers["last-event-id"] == "9-0"


def test_stream_is_retried_after_status_503(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(503), Answer(200, stream_after(""), STREAM))
    assert len(ask(server.url, "follow", "job_1")) == EPOCHS


def test_stream_of_an_unknown_job_raises_at_once(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(404, {"title": "Not found"}))
    with pytest.raises(ServiceError, match="Not found"):
        ask(server.url, "follow", "job_1")
    assert len(server.seen) == 1


def test_events_carry_their_type_and_data_up_to_the_end(ask: Ask, serve: Serve) -> None:
    body = b'id: 1-0\nevent: state\ndata: {"to": "queued"}\n\n' + END
    events = ask(serve(Answer(200, body, STREAM)).url, "events", "job_1")
    assert [(each.id, each.type, each.data) for each in events] == [
        ("1-0", "state", {"to": "queued"}),
        ("9-0", "end", {"status": "succeeded"}),
    ]


@pytest.mark.parametrize("data", [b"not json", b'{"epoch": 0}'])
def test_malformed_event_is_reported_as_not_pippins(ask: Ask, serve: Serve, data: bytes) -> None:
    server = serve(Answer(200, b"event: epoch\ndata: " + data + b"\n\n", STREAM))
    with pytest.raises(ServiceError, match="Not a valid e"):
        ask(server.url, "follow", "job_1")


def test_following_ends_after_the_follow_patience(serve: Serve) -> None:
    server = serve(None)
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
