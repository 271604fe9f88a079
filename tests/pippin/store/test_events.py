from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.store import MalformedEventId, Store, parse_event_id
from tests.pippin.store.driver import ABSENT, TENANT, Driver


def test_events_are_read_from_any_place_in_pages(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    for number in range(7):
        store.attempts.log(held, f"line {number}")
    events = store.events.read(TENANT, job.id)
    assert len(events) == 10
    assert events == driver.events(job) == sorted(events, key=lambda event: parse_event_id(event.id))
    assert store.events.read(TENANT, job.id, after=events[3].id, count=2) == events[4:6]
    assert store.events.read(TENANT, job.id, after=events[-1].id) == []
    assert store.events.read(TENANT, job.id, after="0") == events
    assert list(store.events.all(TENANT, job.id, after=events[8].id)) == events[9:]


def test_event_has_the_time_of_its_recording(store: Store, driver: Driver) -> None:
    job = driver.submit()
    (event,) = store.events.read(TENANT, job.id)
    for time in (job.created_at, datetime.now(UTC)):
        assert abs(event.time - time) < timedelta(minutes=1)


def test_absent_job_has_no_events(store: Store) -> None:
    assert store.events.read(TENANT, ABSENT) == list(store.events.all(TENANT, ABSENT)) == []


@pytest.mark.parametrize("text", ["", "-", "x", "1-", "-1", "1-x", "1-2-3", "$", "+", "²", "1e3", "9" * 21, str(2**64)])
def test_malformed_event_id_is_refused(store: Store, text: str) -> None:
    with pytest.raises(MalformedEventId, match="is not the id of an event"):
        store.events.read(TENANT, ABSENT, after=text)


def test_event_ids_sort_as_numbers() -> None:
    assert parse_event_id("999-10") > parse_event_id("999-9") > parse_event_id("998") == (998, 0)


@given(st.text(max_size=30))
def test_any_text_is_an_event_id_or_refused(text: str) -> None:
    try:
        milliseconds, number = parse_event_id(text)
    except MalformedEventId:
        return
    assert 0 <= milliseconds < 2**64
    assert 0 <= number < 2**64
