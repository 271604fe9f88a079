"""Which numbers float32, as which features are stored, cannot tell apart."""

import numpy as np
from numpy.typing import NDArray

MAX_EXACT = 2**24
"""Up to this float32 holds every whole number."""
MAX_EXACT_DOUBLE = 2**53
"""Up to this float64 holds every whole number."""
_MAX_ID = 2**64  # whole numbers from here on are quantities: ids have at most 64 bits
_DIGITS = 6  # decimal digits that float32 always keeps apart (FLT_DIG of C)
_COARSE = 1e-3  # of the spread of a column: the step between neighbouring float32 values from which a notice is due


def collapsing(values: NDArray[np.float64], stored: NDArray[np.float32], below: float = _MAX_ID) -> list[int]:
    """Which values are whole numbers that another whole number would equal once stored as float32.

    Numbers of up to six significant digits, such as 1.5e11, never do: two of them stay different as float32.

    Args:
        values: [n], as read.
        stored: [n], the same as float32.
        below: Numbers of this size and more are quantities, all of which are whole as float64.
    """
    size = np.abs(values)
    if not (size > MAX_EXACT).any():
        return []
    # From 2**53 on, the text may have held another whole number than was read.
    inexact = (stored != values) | (size >= MAX_EXACT_DOUBLE)
    suspects = np.flatnonzero((size > MAX_EXACT) & (size < below) & (values == np.floor(values)) & inexact)
    return [int(at) for at in suspects if float(f"{values[at]:.{_DIGITS}g}") != values[at]]


def shown(value: float) -> str:
    """A number that was read, for a person."""
    return f"{value:.0f}" if abs(value) < MAX_EXACT_DOUBLE and value.is_integer() else repr(float(value))


class Precision:
    """Whether float32 keeps the values of columns apart, gathered part by part.

    Args:
        width: How many columns there are.
    """

    def __init__(self, width: int) -> None:
        self._lowest = np.full(width, np.inf)
        self._highest = np.full(width, -np.inf)
        self._is_rounded = np.zeros(width, bool)
        self._has_quantities = np.zeros(width, bool)  # where float32 does not even hold every whole number

    def add(self, values: NDArray[np.float64], stored: NDArray[np.float32]) -> None:
        """Takes [n, width] values as read and as stored."""
        if len(values):
            np.minimum(self._lowest, values.min(axis=0), out=self._lowest)
            np.maximum(self._highest, values.max(axis=0), out=self._highest)
            rounded = values != stored
            self._is_rounded |= rounded.any(axis=0)
            if max(self._highest.max(), -self._lowest.min()) > MAX_EXACT:
                size = np.abs(values)
                quantities = rounded & (size > MAX_EXACT) & (values != np.floor(values)) | (size >= _MAX_ID)
                self._has_quantities |= quantities.any(axis=0)

    def coarse(self) -> list[tuple[int, float]]:
        """Columns that were rounded noticeably, each with the step between neighbouring float32 values.

        That is, by more than a thousandth of their spread, or with a fraction above 2**24, or above 2**64.
        """
        spread = self._highest - self._lowest
        largest = np.maximum(np.abs(self._lowest), np.abs(self._highest))
        with np.errstate(invalid="ignore", over="ignore"):
            step = np.spacing(largest.astype(np.float32)).astype(np.float64)
            coarse = (self._is_rounded & (spread > 0) & (step > _COARSE * spread)) | self._has_quantities
        return [(int(at), float(step[at])) for at in np.flatnonzero(coarse)]
