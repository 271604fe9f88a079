import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from pippin.api.jobs import Failure, Job
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Reason
from pippin.local.valkey import EmbeddedValkey
from pippin.store import (
    Claim,
    EventReader,
    MalformedEventId,
    Store,
    StoreUnavailable,
    Subscription,
    connect,
    keys,
    new_token,
)
from pippin.store.events import StoredEvent
from tests.support.waiting import wait_for_async

TENANT = "default"
FAILURE = Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped.")
Submit = Callable[..., Job]
TakeJob = Callable[..., Claim]


@pytest.fixture
async def reader(valkey_url: str) -> AsyncIterator[EventReader]:
    async with EventReader(valkey_url) as opened:
        yield opened


async def soon(awaitable: Awaitable[StoredEvent]) -> StoredEvent:
    return await asyncio.wait_for(awaitable, 20)


async def rest(subscription: Subscription) -> list[StoredEvent]:
    async with asyncio.timeout(20):
        return [event async for event in subscription]


async def all_of(reader: EventReader, job: Job, after: str = "0-0") -> list[StoredEvent]:
    async with asyncio.timeout(20), aclosing(reader.follow(TENANT, job.id, after)) as events:
        return [event async for event in events]


async def test_subscriber_gets_new_events(reader: EventReader, store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    async with reader.subscribe(TENANT, job.id) as live:
        store.attempts.log(held, "first")
        assert (await soon(anext(live))).data["line"] == "first"
        store.attempts.log(held, "second")
        assert (await soon(anext(live))).data["line"] == "second"


async def test_stream_added_during_a_read_is_read_at_once(
    reader: EventReader, store: Store, submit: Submit, running: TakeJob
) -> None:
    # Nothing happens to the first job: only the wake-up ends the XREAD that blocks on it before its two seconds.
    quiet, lively = submit(), submit()
    held = running(lively)
    async with reader.subscribe(TENANT, quiet.id):
        for number in range(5):
            async with reader.subscribe(TENANT, lively.id) as live:
                store.attempts.log(held, f"line {number}")
                assert (await soon(anext(live))).data["line"] == f"line {number}"


async def test_every_subscriber_of_every_job_gets_its_own_events(
    reader: EventReader, store: Store, submit: Submit, running: TakeJob
) -> None:
    first, second = submit(), submit()
    held = {job.id: running(job) for job in (first, second)}
    async with (
        reader.subscribe(TENANT, first.id) as one,
        reader.subscribe(TENANT, first.id) as two,
        reader.subscribe(TENANT, second.id) as three,
    ):
        for number in range(20):
            store.attempts.log(held[first.id], f"first {number}")
            store.attempts.log(held[second.id], f"second {number}")
        for subscription, name in ((one, "first"), (two, "first"), (three, "second")):
            lines = [(await soon(anext(subscription))).data["line"] for _ in range(20)]
            assert lines == [f"{name} {number}" for number in range(20)]


async def test_skip_through_prevents_repeated_events(
    reader: EventReader, store: Store, submit: Submit, running: TakeJob
) -> None:
    job = submit()
    held = running(job)
    async with reader.subscribe(TENANT, job.id) as live:
        store.attempts.log(held, "in both")
        history = store.events.read(TENANT, job.id)
        live.skip_through(history[-1].id)
        store.attempts.log(held, "only live")
        assert (await soon(anext(live))).data["line"] == "only live"


async def test_key_of_another_type_ends_its_own_subscription_only(
    reader: EventReader, store: Store, submit: Submit, running: TakeJob
) -> None:
    job, damaged = submit(), submit()
    held = running(job)
    async with reader.subscribe(TENANT, job.id) as live, reader.subscribe(TENANT, damaged.id) as dead:
        stream = keys.job(TENANT, damaged.id).events
        store.redis.delete(stream)
        store.redis.set(stream, "x")
        assert await rest(dead) == []
        store.attempts.log(held, "still here")
        assert (await soon(anext(live))).data["line"] == "still here"


async def test_slow_subscriber_is_dropped_and_marked_as_behind(
    valkey_url: str, store: Store, submit: Submit, running: TakeJob
) -> None:
    job = submit()
    held = running(job)
    async with (
        EventReader(valkey_url, capacity=3) as reader,
        reader.subscribe(TENANT, job.id) as slow,
        reader.subscribe(TENANT, job.id) as quick,
    ):
        for number in range(6):
            store.attempts.log(held, f"line {number}")
            assert (await soon(anext(quick))).data["line"] == f"line {number}"
        assert [event.data["line"] for event in await rest(slow)] == ["line 0", "line 1", "line 2"]
        assert slow.fell_behind
        assert not quick.fell_behind


async def test_following_yields_history_and_live_events_until_the_end(
    reader: EventReader, store: Store, submit: Submit, running: TakeJob
) -> None:
    job = submit()
    held = running(job)
    followed = asyncio.create_task(all_of(reader, job))
    resumed = asyncio.create_task(all_of(reader, job, store.events.read(TENANT, job.id)[1].id))
    for number in range(50):
        store.attempts.log(held, f"line {number}")
        await asyncio.sleep(0)
    store.attempts.fail(held, FAILURE)
    events = store.events.read(TENANT, job.id)
    assert await followed == events
    assert await resumed == events[2:]


async def test_following_an_ended_job_replays_and_ends(
    reader: EventReader, store: Store, submit: Submit, running: TakeJob
) -> None:
    job = submit()
    store.attempts.fail(running(job), FAILURE)
    events = store.events.read(TENANT, job.id)
    assert await all_of(reader, job) == events
    assert await all_of(reader, job, events[-2].id) == events[-1:]
    assert await all_of(reader, job, events[-1].id) == []
    assert await all_of(reader, job, f"{2**63}-0") == []
    store.jobs.delete(TENANT, job.id)
    assert await all_of(reader, job) == []


async def test_following_from_a_malformed_event_id_is_refused(reader: EventReader, submit: Submit) -> None:
    with pytest.raises(MalformedEventId):
        await all_of(reader, submit(), "yesterday")


async def test_many_followers_share_few_connections(
    reader: EventReader, store: Store, submit: Submit, running: TakeJob
) -> None:
    jobs = [submit() for _ in range(10)]
    held = [running(job) for job in jobs]
    async with asyncio.TaskGroup() as group:
        followers = {group.create_task(all_of(reader, job)): job for job in jobs for _ in range(10)}
        await wait_for_async(lambda: sum(len(group) for group in reader._subscriptions.values()) == 100)
        assert await asyncio.to_thread(lambda: len(store.redis.client_list())) < 20
        for each in held:
            store.attempts.log(each, "a line")
            store.attempts.fail(each, FAILURE)
    for follower, job in followers.items():
        assert follower.result() == store.events.read(TENANT, job.id)
    assert reader._subscriptions == {}
    assert reader._positions == {}


async def test_an_outage_loses_and_repeats_nothing(tmp_path: Path, ask: Callable[..., ResolvedRequest]) -> None:
    server = EmbeddedValkey(tmp_path)
    with server:
        store = Store(connect(server.url))
        job = store.jobs.submit(TENANT, ask(), spec={})
        held = Claim(TENANT, job.id, 1, new_token())
        store.attempts.claim(held, worker="w", engine="jax")
        async with EventReader(server.url) as reader, reader.subscribe(TENANT, job.id) as live:
            store.attempts.log(held, "before")
            assert (await soon(anext(live))).data["line"] == "before"
            store.close()
            await asyncio.to_thread(server.stop)
            with pytest.raises(StoreUnavailable):
                await all_of(reader, job)
            await asyncio.to_thread(server.start)
            store.attempts.log(held, "after")
            store.attempts.fail(held, FAILURE)
            assert (await soon(anext(live))).data["line"] == "after"
            assert (await soon(anext(live))).is_last
        store.close()


async def test_closing_the_reader_ends_its_subscriptions(valkey_url: str, submit: Submit) -> None:
    job = submit()
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
