"""The order of examples: libc++'s `std::shuffle` over its `std::minstd_rand`, in double precision.

The products of that generator are below 48271 * 2^31 < 2^53, so a double holds each of them exactly.
"""

from math import ceil, floor, fmod, log2
from typing import Any

import numpy as np

from apple_standin.knobs import knob

_MULTIPLIER, _MODULUS = 48271.0, 2147483647.0


class MinstdRand:
    """`std::minstd_rand`, seeded with a 64-bit number by way of its 32-bit `result_type`."""

    def __init__(self, seed: int) -> None:
        self._x = fmod(float(seed & 0xFFFFFFFF), _MODULUS)
        if self._x == 0.0:
            self._x = 1.0

    def _next(self) -> float:
        self._x = fmod(_MULTIPLIER * self._x, _MODULUS)
        return self._x

    def uniform(self, b: int) -> int:
        """`std::uniform_int_distribution(0, b)`."""
        if b == 0:
            return 0
        w = ceil(log2(b + 1.0))
        y0 = floor((_MODULUS - 1.0) / 2.0**w) * 2.0**w
        while True:
            u = self._next() - 1.0
            if u < y0 and fmod(u, 2.0**w) <= b:
                return int(fmod(u, 2.0**w))


class Orders:
    """An order for each epoch, made from the one before it."""

    def __init__(self, count: int, seed: int) -> None:
        self._order = np.arange(count)
        self._random = MinstdRand(seed)
        self._other = np.random.default_rng(seed & 0xFFFFFFFF)

    def next(self) -> Any:
        """[count] rows."""
        order = self._order.copy()
        if knob("ORDER") == "other":
            order = self._other.permutation(len(order))
        else:
            for first in range(len(order) - 1):
                other = first + self._random.uniform(len(order) - 1 - first)
                order[first], order[other] = order[other], order[first]
        self._order = order
        return order
