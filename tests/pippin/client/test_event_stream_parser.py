import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.client.streams import EventStreamParser, ServerSentEvent


def events_of(*chunks: bytes) -> list[ServerSentEvent]:
    parser = EventStreamParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("chunk", "events"),
    [
        pytest.param(b"id: 7-0\nevent: epoch\ndata: {}\n\n", [("7-0", "epoch", "{}")], id="id, type and data"),
        pytest.param(b"data: x\n\n", [("", "message", "x")], id="without a type: a message"),
        pytest.param(
            b"id: 1\nevent: epoch\ndata: a\n\ndata: b\n\n",
            [("1", "epoch", "a"), ("1", "message", "b")],
            id="the type applies once, the id to later events",
        ),
        pytest.param(b"data: a\ndata\ndata:b\n\n", [("", "message", "a\n\nb")], id="lines of data are joined"),
        pytest.param(b"data:  x\n\n", [("", "message", " x")], id="one space after the colon is syntax"),
        pytest.param(
            b": ping\n\nfoo: bar\n:\ndata: x\n\n", [("", "message", "x")], id="comments and unknown fields are ignored"
        ),
        pytest.param(b"id: a\0b\ndata: x\n\n", [("", "message", "x")], id="an id with a null is ignored"),
    ],
)
def test_events_of_a_chunk(chunk: bytes, events: list[tuple[str, str, str]]) -> None:
    assert events_of(chunk) == [ServerSentEvent(*event) for event in events]


def test_an_event_without_data_is_not_dispatched_but_its_id_counts() -> None:
    parser = EventStreamParser()
    assert parser.feed(b"id: 3\nevent: epoch\n\n") == []
    assert parser.last_event_id == "3"


def test_incomplete_event_does_not_change_the_last_event_id() -> None:
    parser = EventStreamParser()
    parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert parser.last_event_id == "1"


def test_empty_id_resets_the_last_event_id() -> None:
    parser = EventStreamParser("5")
    assert parser.feed(b"id\ndata: x\n\n") == [ServerSentEvent("", "message", "x")]
    assert parser.last_event_id == ""


@pytest.mark.parametrize(
    ("line", "seconds"), [(b"retry: 1500\n", 1.5), (b"retry: 1.5\n", 0), (b"retry: \xc2\xb2\n", 0)]
)
def test_retry_is_in_milliseconds_and_accepts_digits_only(line: bytes, seconds: float) -> None:
    parser = EventStreamParser()
    parser.feed(line)
    assert parser.retry == seconds


def test_byte_order_mark_in_two_chunks_is_skipped() -> None:
    assert [event.data for event in events_of(b"\xef\xbb", b"\xbfdata: x\n\n")] == ["x"]


def test_carriage_return_with_a_line_feed_ends_one_line() -> None:
    parser = EventStreamParser()
    assert [event.data for event in parser.feed(b"data: x\r\n\r")] == ["x"]
    assert [event.data for event in parser.feed(b"\ndata: y\r\r")] == ["y"]


STREAM = (
    'id: 1\nevent: epoch\ndata: {"loss": 0.5}\n\n: ping\n\nid: 2\ndata: ü\ndata: 漢字 🙂\n\nevent: end\ndata: {}\n\n'
)


@given(
    cuts=st.lists(st.integers(0, 400), max_size=20),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_events_do_not_depend_on_chunk_boundaries(cuts: list[int], line_end: str) -> None:
    data = STREAM.replace("\n", line_end).encode()
    marks = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[start:stop] for start, stop in itertools.pairwise(marks)]
    assert events_of(*chunks) == [
        ServerSentEvent("1", "epoch", '{"loss": 0.5}'),
        ServerSentEvent("2", "message", "ü\n漢字 🙂"),
        ServerSentEvent("2", "end", "{}"),
    ]
