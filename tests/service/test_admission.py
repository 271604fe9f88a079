"""Requests that share a limited number of places: waiting, timeouts and order."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from service.admission import Admission
from service.problems import Problem


class Meter:
    def __init__(self) -> None:
        self.waits = 0
        self.refusals: list[str] = []

    def waiting(self, _resource: str, count: int) -> None:
        self.waits = count

    def refused(self, resource: str) -> None:
        self.refusals.append(resource)


async def until(meter: Meter, waits: int) -> None:
    async with asyncio.timeout(30):
        while meter.waits != waits:  # noqa: ASYNC110 - the tested class has no event to wait for
            await asyncio.sleep(0)


async def test_request_that_waits_too_long_is_a_503_with_retry_after() -> None:
    meter = Meter()
    admission = Admission("cups", places=1, wait_seconds=0.05, meter=meter)
    async with admission.slot("ada"):
        with pytest.raises(Problem, match="other cups kept this request waiting") as refused:
            async with admission.slot("bob"):
                pass
    assert refused.value.status_code == 503
    assert refused.value.headers == {"retry-after": "10"}
    assert meter.refusals == ["cups"]
    assert meter.waits == 0
    async with admission.slot("bob"):
        pass


async def test_tenant_with_fewest_places_is_next() -> None:
    meter = Meter()
    admission = Admission("cups", places=2, wait_seconds=30, meter=meter)
    order: list[str] = []

    async def enter(tenant: str) -> None:
        async with admission.slot(tenant):
            order.append(tenant)

    async with AsyncExitStack() as first:
        await first.enter_async_context(admission.slot("ada"))
        async with admission.slot("ada"):
            waiting = [asyncio.create_task(enter("ada")) for _ in range(3)]
            await until(meter, 3)
            waiting.append(asyncio.create_task(enter("bob")))
            await until(meter, 4)
        await asyncio.gather(*waiting)
    assert order == ["bob", "ada", "ada", "ada"]


async def test_heavy_request_is_not_starved_by_light_ones() -> None:
    meter = Meter()
    admission = Admission("cups", places=10, capacity=10, wait_seconds=30, meter=meter)
    order: list[int] = []

    async def enter(weight: int) -> None:
        async with admission.slot("ada", weight):
            order.append(weight)

    async with admission.slot("ada", 6):
        waiting = [asyncio.create_task(enter(9))]
        await until(meter, 1)
        waiting.append(asyncio.create_task(enter(1)))
        await until(meter, 2)
        assert order == []
    await asyncio.gather(*waiting)
    assert order == [9, 1]


async def test_cancelled_waiter_frees_its_place_in_the_queue() -> None:
    meter = Meter()
    admission = Admission("cups", places=2, capacity=10, wait_seconds=30, meter=meter)

    async def enter(weight: int) -> None:
        async with admission.slot("ada", weight):
            pass

    async with admission.slot("ada", 5):
        heavy = asyncio.create_task(enter(10))
        await until(meter, 1)
        light = asyncio.create_task(enter(5))
        await until(meter, 2)
        heavy.cancel()
        await light
        with pytest.raises(asyncio.CancelledError):
            await heavy
    async with admission.slot("ada", 10):
        pass


async def test_waiter_cancelled_on_admission_releases_its_place() -> None:
    meter = Meter()
    admission = Admission("cups", places=1, wait_seconds=30, meter=meter)

    async def enter() -> None:
        async with admission.slot("ada"):
            pass

    async with admission.slot("ada"):
        waiting = asyncio.create_task(enter())
        await until(meter, 1)
    # The waiter is admitted by now and not resumed yet.
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with admission.slot("ada"):
        pass
