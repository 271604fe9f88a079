"""Admission to a limited resource: places and a capacity that requests share, with tenants taking turns."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from service.problems import Problem


class AdmissionMeter(Protocol):
    """Receives the counts of an `Admission`."""

    def waiting(self, resource: str, count: int) -> None:
        """Record that `count` requests wait."""

    def refused(self, resource: str) -> None:
        """Count a refused request."""


@dataclass(eq=False, slots=True)
class _Waiter:
    tenant: str
    weight: int
    admitted: asyncio.Future[None]


class Admission:
    """Admits requests while there is a place and enough capacity. Others wait, and are refused after a time limit.

    The next request is the first waiting one of the tenant that holds the fewest places. No request overtakes it, so
    small requests cannot keep a large one waiting. For coroutines of one event loop.

    Args:
        resource: The name of the shared resource in messages and metrics, such as "large bodies".
        places: How many requests are admitted at once.
        capacity: The limit on the sum of the weights of the admitted requests; None sets no limit.
        wait_seconds: How long a request waits for its place.
        meter: Where waiting and refused requests are counted.
    """

    def __init__(
        self,
        resource: str,
        *,
        places: int,
        wait_seconds: float,
        capacity: int | None = None,
        meter: AdmissionMeter | None = None,
    ) -> None:
        self._resource = resource
        self._places = places
        self._capacity = capacity
        self._wait_seconds = wait_seconds
        self._meter = meter
        self._held: Counter[str] = Counter()
        self._used = 0
        self._waiting: list[_Waiter] = []

    @asynccontextmanager
    async def slot(self, tenant: str, weight: int = 0) -> AsyncIterator[None]:
        """Hold a place for a request of `tenant`, and `weight` of the capacity, while the `with` block lasts.

        Raises:
            Problem: 503 with `Retry-After`, when the request has waited for too long.
        """
        await self._enter(tenant, weight)
        try:
            yield
        finally:
            self._leave(tenant, weight)

    async def _enter(self, tenant: str, weight: int) -> None:
        if not self._waiting and self._fits(weight):
            self._take(tenant, weight)
            return
        waiter = _Waiter(tenant, weight, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._admit()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await waiter.admitted
        except BaseException as error:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self._leave(tenant, weight)
            # A request that waited behind this one may fit.
            self._admit()
            if isinstance(error, TimeoutError):
                raise self._refusal() from None
            raise

    def _leave(self, tenant: str, weight: int) -> None:
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        self._used -= weight
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            # `min` returns the first of equals, which has waited longest.
            waiter = min(self._waiting, key=lambda waiter: self._held[waiter.tenant])
            if not self._fits(waiter.weight):
                break
            self._waiting.remove(waiter)
            self._take(waiter.tenant, waiter.weight)
            waiter.admitted.set_result(None)
        if self._meter is not None:
            self._meter.waiting(self._resource, len(self._waiting))

    def _fits(self, weight: int) -> bool:
        if self._held.total() >= self._places:
            return False
        return self._capacity is None or self._used + weight <= self._capacity

    def _take(self, tenant: str, weight: int) -> None:
        self._held[tenant] += 1
        self._used += weight

    def _refusal(self) -> Problem:
        if self._meter is not None:
            self._meter.refused(self._resource)
        detail = (
            f"The service is busy: other {self._resource} kept this request waiting for {self._wait_seconds:g} s. "
            "Send it again later."
        )
        return Problem("unavailable", detail, headers={"retry-after": "10"})
