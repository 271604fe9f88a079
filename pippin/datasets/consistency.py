"""Checks that the arrays of a dataset are consistent, and computes the ranges of their values."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import Range
from pippin.datasets.disk_arrays import batches
from pippin.datasets.errors import refuse, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.names import checked
from pippin.datasets.parsed import ParsedDataset


def check_consistency(parsed: ParsedDataset, limits: DatasetLimits) -> None:
    """Check that every split has every feature, of one shape and type, for the same number of examples, at least one.

    Raises:
        DatasetError: Two arrays are inconsistent; the message names both.
        DatasetTooLargeError: There are more arrays or examples than allowed.
    """
    expected = {checked("feature", feature.name): feature for feature in parsed.features}
    total = 0
    for split, arrays in parsed.splits.items():
        checked("split", split)
        if arrays.keys() != expected.keys():
            raise refuse(
                f"the split {split} has the features {', '.join(arrays)}, where another has {', '.join(expected)}; "
                "every split needs the same"
            )
        counts = {name: len(array) for name, array in arrays.items()}
        if len(set(counts.values())) > 1:
            shown = ", ".join(f"{count:,} of {name}" for name, count in counts.items())
            raise refuse(f"the split {split} has {shown}; every example needs each of them")
        for name, array in arrays.items():
            feature = expected[name]
            if (array.shape[1:], array.dtype.name) != (feature.shape, feature.dtype):
                raise refuse(
                    f"{name} of the split {split} is {array.dtype.name} of shape {list(array.shape[1:])}, "
                    f"where another split has {feature.dtype} of shape {list(feature.shape)}"
                )
        count = next(iter(counts.values()))
        if not count:
            raise refuse(f"the split {split} has no examples")
        total += count
    if total > limits.max_examples:
        raise too_large(f"the dataset has {total:,} examples; {limits.max_examples:,} are allowed")
    if len(expected) * len(parsed.splits) > limits.max_arrays:
        raise too_large(
            f"the dataset has {len(expected)} features in {len(parsed.splits)} splits; "
            f"{limits.max_arrays} arrays are allowed"
        )


def value_ranges(parsed: ParsedDataset) -> dict[str, dict[str, Range]]:
    """The extreme values of each feature, with which the labels of a job are checked without opening the arrays.

    Returns:
        Split -> feature -> the smallest and largest value and the first that is not whole, each with its place.
    """
    return {
        split: {feature: _range(array, partial(parsed.place, split)) for feature, array in features.items()}
        for split, features in parsed.splits.items()
    }


def _range(array: NDArray[Any], place: Callable[[int], str]) -> Range:
    values_per_example = array[0].size
    lowest, lowest_at, highest, highest_at = np.inf, 0, -np.inf, 0
    fraction_at: int | None = None
    begin = 0
    for batch in batches(array):
        flat = batch.reshape(-1)
        at = int(flat.argmin())
        if flat[at] < lowest:
            lowest, lowest_at = float(flat[at]), begin + at // values_per_example
        at = int(flat.argmax())
        if flat[at] > highest:
            highest, highest_at = float(flat[at]), begin + at // values_per_example
        if fraction_at is None and flat.dtype.kind == "f":
            fractions = flat != np.floor(flat)
            if fractions.any():
                fraction_at = begin + int(fractions.argmax()) // values_per_example
        begin += len(batch)
    return Range(
        minimum=lowest,
        minimum_at=place(lowest_at),
        maximum=highest,
        maximum_at=place(highest_at),
        fraction_at=None if fraction_at is None else place(fraction_at),
    )
