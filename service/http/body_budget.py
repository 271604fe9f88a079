"""The memory that request bodies may take together, from their arrival to the end of the work on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from service.admission import Admission, AdmissionMeter
from service.problems import Problem

SMALL_BYTES = 64 * 2**10
"""The largest body that counts as small: it is kept in memory as it arrives, and does not wait behind larger ones."""

# A small body of nothing but brackets takes 6 MB; ordinary ones some kilobytes.
_SMALL_CAPACITY = 64 * 2**20
# More than there are threads for endpoints, so that these are never kept waiting by the budget.
_SMALL_PLACES = 64
# One is worked on while the next is parsed; both compete for the interpreter with all other requests.
_LARGE_PLACES = 2


class BodyBudget:
    """Shares memory and threads among the bodies of JSON that are worked on at a time.

    Small bodies have a budget of their own, so that large ones never keep them waiting.

    Args:
        max_bytes: The memory that large bodies may take together once they are parsed, as far as it can be estimated.
        wait_seconds: How long a request waits for its share.
        meter: Where waiting and refused requests are counted.

    Attributes:
        parsing: For the thread that parses large bodies.
    """

    def __init__(self, *, max_bytes: int, wait_seconds: float, meter: AdmissionMeter | None = None) -> None:
        self.parsing = anyio.CapacityLimiter(1)
        self._max_bytes = max_bytes
        self._small = Admission(
            "small bodies", places=_SMALL_PLACES, capacity=_SMALL_CAPACITY, wait_seconds=wait_seconds, meter=meter
        )
        self._large = Admission(
            "large bodies", places=_LARGE_PLACES, capacity=max_bytes, wait_seconds=wait_seconds, meter=meter
        )

    @asynccontextmanager
    async def share(self, tenant: str, size: int, parsed_bytes: int) -> AsyncIterator[None]:
        """Memory for a body of `size` bytes while the `with` block lasts.

        Raises:
            Problem: 413, when the body would take more than all bodies may; 503, when others have kept it waiting.
        """
        if parsed_bytes > self._max_bytes:
            raise Problem(
                "body-too-large",
                f"Parsing the body would take about {parsed_bytes:,} bytes of memory; it may take {self._max_bytes:,}. "
                "Send fewer lists, objects and texts, or a model as its .mlmodel.",
            )
        budget = self._small if size <= SMALL_BYTES else self._large
        async with budget.place(tenant, parsed_bytes):
            yield
