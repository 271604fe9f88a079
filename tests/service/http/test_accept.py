import pytest

from service.http.media_types import negotiate
from service.problems import Problem

OFFERS = ["application/json", "text/event-stream", "application/x-ndjson", "text/csv"]


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/event-stream"),
        ("text/*, text/event-stream;q=0", "text/csv"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0.2, text/csv;q=0.3", "text/csv"),
        ("text/event-stream, application/json", "application/json"),
        ("application/json;q=oops, text/csv;q=0.1", "text/csv"),
    ],
)
def test_negotiation_chooses_the_preferred_media_type(header: str | None, chosen: str) -> None:
    assert negotiate(header, OFFERS) == chosen


@pytest.mark.parametrize("header", ["text/html", "application/json;q=0", "image/*", "nonsense", "*/*;q=0", ";;"])
def test_406_lists_the_available_media_types(header: str) -> None:
    with pytest.raises(Problem) as raised:
        negotiate(header, OFFERS)
    assert raised.value.status_code == 406
    assert all(offer in raised.value.detail for offer in OFFERS)
