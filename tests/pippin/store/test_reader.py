import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from pippin.api.jobs import Job
from pippin.local.valkey import EmbeddedValkey
from pippin.store import EventReader, MalformedEventId, Store, StoreUnavailable, Subscription, connect, keys
from pippin.store.events import StoredEvent
from tests.pippin.store.driver import FAILURE, TENANT, Driver
from tests.support.waiting import DEADLINE, wait_for_async


@pytest.fixture
async def reader(valkey_url: str) -> AsyncIterator[EventReader]:
    async with EventReader(valkey_url) as opened:
        yield opened


async def next_event(subscription: Subscription) -> StoredEvent:
    return await asyncio.wait_for(anext(subscription), DEADLINE)


async def next_line(subscription: Subscription) -> object:
    return (await next_event(subscription)).data["line"]


async def rest(subscription: Subscription) -> list[StoredEvent]:
    async with asyncio.timeout(DEADLINE):
        return [event async for event in subscription]


async def all_of(reader: EventReader, job: Job, after: str = "0-0") -> list[StoredEvent]:
    async with asyncio.timeout(DEADLINE), aclosing(reader.follow(TENANT, job.id, after)) as events:
        return [event async for event in events]


async def test_subscriber_gets_new_events(reader: EventReader, store: Store, driver: Driver) -> None:
    job, held = driver.start()
    async with reader.subscribe(TENANT, job.id) as live:
        for line in ("first", "second"):
            store.attempts.log(held, line)
            assert await next_line(live) == line


async def test_stream_added_during_a_read_is_read_at_once(reader: EventReader, store: Store, driver: Driver) -> None:
    # Nothing happens to the first job: only the wake-up ends the XREAD that blocks on it before its two seconds.
    quiet, lively = driver.submit(), driver.submit()
    held = driver.run(lively)
    async with reader.subscribe(TENANT, quiet.id):
        for number in range(5):
            async with reader.subscribe(TENANT, lively.id) as live:
                store.attempts.log(held, f"line {number}")
                assert await next_line(live) == f"line {number}"


async def test_every_subscriber_of_every_job_gets_its_own_events(
    reader: EventReader, store: Store, driver: Driver
) -> None:
    first, second = driver.submit(), driver.submit()
    held = {job.id: driver.run(job) for job in (first, second)}
    async with (
        reader.subscribe(TENANT, first.id) as one,
        reader.subscribe(TENANT, first.id) as two,
        reader.subscribe(TENANT, second.id) as three,
    ):
        for number in range(20):
            store.attempts.log(held[first.id], f"first {number}")
            store.attempts.log(held[second.id], f"second {number}")
        for subscription, name in ((one, "first"), (two, "first"), (three, "second")):
            lines = [await next_line(subscription) for _ in range(20)]
            assert lines == [f"{name} {number}" for number in range(20)]


async def test_skip_through_prevents_repeated_events(reader: EventReader, store: Store, driver: Driver) -> None:
    job, held = driver.start()
    async with reader.subscribe(TENANT, job.id) as live:
        store.attempts.log(held, "in both")
        history = store.events.read(TENANT, job.id)
        live.skip_through(history[-1].id)
        store.attempts.log(held, "only live")
        assert await next_line(live) == "only live"


async def test_key_of_another_type_ends_its_own_subscription_only(
    reader: EventReader, store: Store, driver: Driver
) -> None:
    job, damaged = driver.submit(), driver.submit()
    held = driver.run(job)
    async with reader.subscribe(TENANT, job.id) as live, reader.subscribe(TENANT, damaged.id) as ended:
        stream = keys.job(TENANT, damaged.id).events
        store.redis.delete(stream)
        store.redis.set(stream, "x")
        assert await rest(ended) == []
        store.attempts.log(held, "still here")
        assert await next_line(live) == "still here"


async def test_slow_subscriber_is_dropped_and_marked_as_behind(valkey_url: str, store: Store, driver: Driver) -> None:
    job, held = driver.start()
    async with (
        EventReader(valkey_url, capacity=3) as reader,
        reader.subscribe(TENANT, job.id) as slow,
        reader.subscribe(TENANT, job.id) as quick,
    ):
        for number in range(6):
            store.attempts.log(held, f"line {number}")
            assert await next_line(quick) == f"line {number}"
        assert [event.data["line"] for event in await rest(slow)] == ["line 0", "line 1", "line 2"]
        assert slow.fell_behind
        assert not quick.fell_behind


async def test_following_yields_history_and_live_events_until_the_end(
    reader: EventReader, store: Store, driver: Driver
) -> None:
    job, held = driver.start()
    followed = asyncio.create_task(all_of(reader, job))
    resumed = asyncio.create_task(all_of(reader, job, store.events.read(TENANT, job.id)[1].id))
    for number in range(50):
        store.attempts.log(held, f"line {number}")
        await asyncio.sleep(0)
    store.attempts.fail(held, FAILURE)
    events = store.events.read(TENANT, job.id)
    assert await followed == events
    assert await resumed == events[2:]


async def test_following_an_ended_job_replays_and_ends(reader: EventReader, store: Store, driver: Driver) -> None:
    job = driver.submit()
    store.attempts.fail(driver.run(job), FAILURE)
    events = store.events.read(TENANT, job.id)
    assert await all_of(reader, job) == events
    assert await all_of(reader, job, events[-2].id) == events[-1:]
    assert await all_of(reader, job, events[-1].id) == []
    assert await all_of(reader, job, f"{2**63}-0") == []
    store.jobs.delete(TENANT, job.id)
    assert await all_of(reader, job) == []


async def test_following_from_a_malformed_event_id_is_refused(driver: Driver, reader: EventReader) -> None:
    with pytest.raises(MalformedEventId):
        await all_of(reader, driver.submit(), "yesterday")


async def test_many_followers_share_few_connections(reader: EventReader, store: Store, driver: Driver) -> None:
    started = [driver.start() for _ in range(10)]
    async with asyncio.TaskGroup() as group:
        followers = {group.create_task(all_of(reader, job)): job for job, _ in started for _ in range(10)}
        await wait_for_async(lambda: sum(len(group) for group in reader._subscriptions.values()) == 100)
        assert await asyncio.to_thread(lambda: len(store.redis.client_list())) < 20
        for _, each in started:
            store.attempts.log(each, "a line")
            store.attempts.fail(each, FAILURE)
    for follower, job in followers.items():
        assert follower.result() == store.events.read(TENANT, job.id)
    assert (reader._subscriptions, reader._positions) == ({}, {})


async def test_outage_loses_and_repeats_nothing(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, closing(Store(connect(server.url))) as store:
        job, held = Driver(store).start()
        async with EventReader(server.url) as reader, reader.subscribe(TENANT, job.id) as live:
            store.attempts.log(held, "before")
            assert await next_line(live) == "before"
            store.close()
            await asyncio.to_thread(server.stop)
            with pytest.raises(StoreUnavailable):
                await all_of(reader, job)
            await asyncio.to_thread(server.start)
            store.attempts.log(held, "after")
            store.attempts.fail(held, FAILURE)
            assert await next_line(live) == "after"
            assert (await next_event(live)).is_last


async def test_closing_the_reader_ends_its_subscriptions(driver: Driver, valkey_url: str) -> None:
    job = driver.submit()
    reader = EventReader(valkey_url)
    await reader.__aenter__()
    async with reader.subscribe(TENANT, job.id) as live:
        waiting = asyncio.create_task(rest(live))
        await asyncio.sleep(0)
        await reader.aclose()
        assert await waiting == []
        assert not live.fell_behind
    await reader.aclose()
    with pytest.raises(StoreUnavailable, match="the reader is not running"):
        await all_of(reader, job)


async def test_unused_reader_does_not_connect() -> None:
    async with EventReader("redis://127.0.0.1:1/0"):
        await asyncio.sleep(0)
