"""A dataset between its upload and its stored form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import Feature, Format
from pippin.datasets.options import DatasetOptions
from pippin.datasets.shapes import is_picture

PIXEL_SCALE = 1 / 255
"""What the bytes of pictures are multiplied by unless the upload says otherwise."""


def picture_scale(options: DatasetOptions) -> float:
    """What the bytes of pictures are multiplied by: what the upload says, else 1/255."""
    return PIXEL_SCALE if options.scale is None else options.scale


def image_scale(array: NDArray[Any], options: DatasetOptions) -> float:
    """What the values of a stored array [N, ...] are multiplied by.

    Bytes by what the upload says; without a word of it those of pictures by 1/255, and others, such as a vector of
    counts, are left as they are, since a model must be asked with the numbers that it was trained on.
    """
    if array.dtype != np.uint8 or (options.scale is None and not is_picture(array.shape[1:])):
        return 1.0
    return picture_scale(options)


@dataclass(frozen=True)
class Rows:
    """Which row of which file each example of a split came from.

    Attributes:
        file: Its name, for a person.
        numbers: [N] of int64, from 1, as an editor shows them.
    """

    file: str
    numbers: NDArray[Any]

    def place(self, example: int) -> str:
        """Where example number `example` (from 0) stands."""
        return f"{self.file} row {self.numbers[example]}"


@dataclass(frozen=True)
class ParsedDataset:
    """Named arrays, checked and converted.

    Attributes:
        features: Inputs first, the target last, where the format tells them apart.
        splits: Split -> feature -> [N, *feature.shape] of the feature's dtype, memory-mapped from files of the work
            workspace, which must outlive it.
        labels: The class that each label number stands for.
        rows: Split -> where its examples came from, for formats whose examples are rows.
        notices: What was assumed or left out, one sentence each; `pippin.datasets.notices` bounds what is kept.
    """

    format: Format
    features: tuple[Feature, ...]
    splits: Mapping[str, Mapping[str, NDArray[Any]]]
    labels: tuple[str, ...] | None = None
    rows: Mapping[str, Rows] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def place(self, split: str, example: int) -> str:
        """Where in the upload the example number `example` (from 0) of a split stands, for a person."""
        return self.rows[split].place(example) if split in self.rows else f"{split} example {example + 1}"
