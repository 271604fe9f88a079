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


class Visits:
    """Tasks that ask for a place and give it back at once; `order` has the tenant and weight of each admitted one."""

    def __init__(self, places: int, *, wait_seconds: float = 30, capacity: int | None = None) -> None:
        self.meter = Meter()
        limits = {"places": places, "capacity": capacity, "wait_seconds": wait_seconds}
        self.admission = Admission("cups", **limits, meter=self.meter)
        self.order: list[tuple[str, int]] = []

    async def enter(self, tenant: str = "ada", weight: int = 1) -> None:
        async with self.admission.slot(tenant, weight):
            self.order.append((tenant, weight))

    async def queue(self, tenant: str = "ada", weight: int = 1) -> asyncio.Task[None]:
        """A further task, which waits for a place."""
        number = self.meter.waits + 1
        task = asyncio.create_task(self.enter(tenant, weight))
        async with asyncio.timeout(60):
            while self.meter.waits != number:  # noqa: ASYNC110 - the tested class has no event to wait for
                await asyncio.sleep(0)
        return task


async def test_request_that_waits_too_long_is_a_503_with_retry_after() -> None:
    visits = Visits(1, wait_seconds=0.05)
    async with visits.admission.slot("ada"):
        with pytest.raises(Problem, match="other cups kept this request waiting") as refused:
            await visits.enter("bob")
    assert (refused.value.status_code, refused.value.headers) == (503, {"retry-after": "10"})
    assert (visits.meter.refusals, visits.meter.waits) == (["cups"], 0)
    await visits.enter("bob")


async def test_tenant_with_fewest_places_is_next() -> None:
    visits = Visits(2)
    async with AsyncExitStack() as first:
        await first.enter_async_context(visits.admission.slot("ada"))
        async with visits.admission.slot("ada"):
            waiting = [await visits.queue(tenant) for tenant in ("ada", "ada", "ada", "bob")]
        await asyncio.gather(*waiting)
    assert [tenant for tenant, _ in visits.order] == ["bob", "ada", "ada", "ada"]


async def test_heavy_request_is_not_starved_by_light_ones() -> None:
    visits = Visits(10, capacity=10)
    async with visits.admission.slot("ada", 6):
        waiting = [await visits.queue(weight=9), await visits.queue(weight=1)]
        assert visits.order == []
    await asyncio.gather(*waiting)
    assert [weight for _, weight in visits.order] == [9, 1]


async def test_cancelled_waiter_frees_its_place_in_the_queue() -> None:
    visits = Visits(2, capacity=10)
    async with visits.admission.slot("ada", 5):
        heavy, light = await visits.queue(weight=10), await visits.queue(weight=5)
        heavy.cancel()
        await light
        with pytest.raises(asyncio.CancelledError):
            await heavy
    await visits.enter(weight=10)


async def test_waiter_cancelled_on_admission_releases_its_place() -> None:
    visits = Visits(1)
    async with visits.admission.slot("ada"):
        waiting = await visits.queue()
    # The waiter is admitted by now and not resumed yet.
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await visits.enter()
