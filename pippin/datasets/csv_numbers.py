"""What is a number in a CSV, what only looks like one, and which numbers float32 cannot tell apart."""

import re

import numpy as np
from numpy.typing import NDArray

_CURRENCY = "$€£¥₹₽₩₺₪₫฿"
_SPACES = " \u00a0\u2009\u202f"
_GROUPED = (
    r"\d{1,3}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,}"
    rf"|(?:['\u2019{_SPACES}]\d{{3}})+(?:[.,]\d+)?)"
)
_PLAIN = r"\d+(?:[.]\d+)?"
_ANY = rf"(?:{_GROUPED}|\d+,\d+|{_PLAIN})"
_SIGN = "[+\u2212-]?"
UNDERSCORES = "numbers with underscores"
SEVERAL = "several numbers separated by spaces"
_FORMS = tuple(
    (re.compile(form), name)
    for form, name in (
        (rf"{_SIGN}{_GROUPED}", "numbers with a thousands separator"),
        (rf"{_SIGN}\d+,\d+", "numbers with a decimal comma"),
        (
            rf"{_SIGN}[{_CURRENCY}][{_SPACES}]?{_SIGN}{_ANY}|{_SIGN}{_ANY}[{_SPACES}]?[{_CURRENCY}]",
            "amounts with a currency sign",
        ),
        (rf"{_SIGN}{_ANY}[{_SPACES}]?%", "numbers with a percent sign"),
        (rf"\((?:[{_CURRENCY}][{_SPACES}]?)?{_ANY}\)", "negative numbers in parentheses"),
        (rf"\u2212{_ANY}", "numbers with a typographic minus sign"),
        (r"[+-]?\d+(?:_\d+)+(?:\.\d+)?", UNDERSCORES),
        (rf"{_PLAIN}(?: +{_PLAIN})+", SEVERAL),
    )
)
_MAX_CHARACTERS = 60
_DIGIT = re.compile(r"\d")

MAX_EXACT = 2**24
"""Up to this float32 holds every whole number."""
_MAX_EXACT_DOUBLE = 2**53
_DIGITS = 6  # decimal digits that float32 always keeps apart (FLT_DIG of C)
_COARSE = 1e-3  # of the spread of a column: the step between neighbouring float32 values from which a notice is due


def number(text: str) -> float | None:
    """The number that a cell holds, or None. Unlike `float`, no underscores are allowed in it."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def number_form(text: str) -> str | None:
    """What a text that is no plain number looks like, such as "numbers with a thousands separator"; None for others."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS or not _DIGIT.search(text):
        return None
    return next((name for form, name in _FORMS if form.fullmatch(text)), None)


def is_like_number(text: str) -> bool:
    """Whether a cell holds a number, however it is written."""
    return number(text) is not None or number_form(text) is not None


def collapsing(values: NDArray[np.float64], stored: NDArray[np.float32]) -> list[int]:
    """Which values are whole numbers that another whole number would equal once stored as float32.

    Numbers of up to six significant digits, such as 1.5e11, never do: two of them stay different as float32.

    Args:
        values: [n], as read.
        stored: [n], the same as float32.
    """
    size = np.abs(values)
    if not (size > MAX_EXACT).any():
        return []
    # From 2**53 on, the text may have held another whole number than was read.
    inexact = (stored != values) | (size >= _MAX_EXACT_DOUBLE)
    suspects = np.flatnonzero((size > MAX_EXACT) & np.isfinite(stored) & (values == np.floor(values)) & inexact)
    return [int(at) for at in suspects if float(f"{values[at]:.{_DIGITS}g}") != values[at]]


def shown(value: float) -> str:
    """A number that was read, for a person."""
    return f"{value:.0f}" if abs(value) < _MAX_EXACT_DOUBLE and value.is_integer() else repr(float(value))


class Precision:
    """Whether float32 keeps the values of columns apart, gathered part by part.

    Args:
        width: How many columns there are.
    """

    def __init__(self, width: int) -> None:
        self._lowest = np.full(width, np.inf)
        self._highest = np.full(width, -np.inf)
        self._is_rounded = np.zeros(width, bool)
        self._has_fractions = np.zeros(width, bool)  # where float32 does not even hold every whole number

    def add(self, values: NDArray[np.float64], stored: NDArray[np.float32]) -> None:
        """Takes [n, width] values as read and as stored."""
        if len(values):
            np.minimum(self._lowest, values.min(axis=0), out=self._lowest)
            np.maximum(self._highest, values.max(axis=0), out=self._highest)
            rounded = values != stored
            self._is_rounded |= rounded.any(axis=0)
            if max(self._highest.max(), -self._lowest.min()) > MAX_EXACT:
                fractions = rounded & (np.abs(values) > MAX_EXACT) & (values != np.floor(values))
                self._has_fractions |= fractions.any(axis=0)

    def coarse(self) -> list[tuple[int, float]]:
        """Columns that were rounded noticeably, each with the step between neighbouring float32 values.

        That is, by more than a thousandth of their spread, or with a fraction above 2**24.
        """
        spread = self._highest - self._lowest
        largest = np.maximum(np.abs(self._lowest), np.abs(self._highest))
        with np.errstate(invalid="ignore", over="ignore"):
            step = np.spacing(largest.astype(np.float32)).astype(np.float64)
            coarse = (self._is_rounded & (spread > 0) & (step > _COARSE * spread)) | self._has_fractions
        return [(int(at), float(step[at])) for at in np.flatnonzero(coarse)]
