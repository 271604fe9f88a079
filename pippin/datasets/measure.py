"""The extreme values of a dataset, kept so that a job's labels can be judged without opening the arrays."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import Range
from pippin.datasets.arrays import parts
from pippin.datasets.parsed import ParsedDataset


def measure(parsed: ParsedDataset) -> dict[str, dict[str, Range]]:
    """Split -> feature -> its smallest and largest value and the first that is not whole, each with its place."""
    return {
        split: {feature: _range(array, partial(parsed.place, split)) for feature, array in features.items()}
        for split, features in parsed.splits.items()
    }


def _range(array: NDArray[Any], place: Callable[[int], str]) -> Range:
    per_example = array[0].size
    lowest, lowest_at, highest, highest_at = np.inf, 0, -np.inf, 0
    fraction_at: int | None = None
    begin = 0
    for part in parts(array):
        flat = part.reshape(-1)
        at = int(flat.argmin())
        if flat[at] < lowest:
            lowest, lowest_at = float(flat[at]), begin + at // per_example
        at = int(flat.argmax())
        if flat[at] > highest:
            highest, highest_at = float(flat[at]), begin + at // per_example
        if fraction_at is None and flat.dtype.kind == "f":
            fractions = flat != np.floor(flat)
            if fractions.any():
                fraction_at = begin + int(fractions.argmax()) // per_example
        begin += len(part)
    return Range(
        minimum=lowest,
        minimum_at=place(lowest_at),
        maximum=highest,
        maximum_at=place(highest_at),
        fraction_at=None if fraction_at is None else place(fraction_at),
    )
