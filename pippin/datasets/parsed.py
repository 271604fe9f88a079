"""A dataset that is read and not stored yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import Feature, Format
from pippin.datasets.options import DatasetOptions
from pippin.datasets.shapes import is_picture

PIXEL_SCALE = 1 / 255
"""The scale of the bytes of pictures where the upload has no scale."""


def picture_scale(options: DatasetOptions) -> float:
    """The factor for the bytes of pictures: the scale of the upload, else 1/255."""
    return PIXEL_SCALE if options.scale is None else options.scale


def image_scale(array: NDArray[Any], options: DatasetOptions) -> float:
    """The factor for the values of a stored array [N, ...].

    Bytes are multiplied by the scale of the upload. Without a scale, the bytes of pictures are multiplied by 1/255, and
    others, such as a vector of counts, are not scaled, since predictions need the same numbers as the training.
    """
    if array.dtype != np.uint8 or (options.scale is None and not is_picture(array.shape[1:])):
        return 1.0
    return picture_scale(options)


@dataclass(frozen=True)
class Rows:
    """The file and the row that each example of a split came from.

    Attributes:
        file: The name of the file, for messages.
        numbers: [N] of int64, from 1, as an editor shows them.
    """

    file: str
    numbers: NDArray[Any]

    def place(self, example: int) -> str:
        """The file and row of example number `example` (from 0), for messages."""
        return f"{self.file} row {self.numbers[example]}"


@dataclass(frozen=True)
class ParsedDataset:
    """Named arrays, checked and converted.

    Attributes:
        features: Inputs first, the target last, where the format distinguishes them.
        splits: Split -> feature -> [N, *feature.shape] of the feature's dtype, memory-mapped from files of the
            workspace, which must outlive the arrays.
        labels: The class name for each label number.
        rows: Split -> the rows of its examples, for formats whose examples are rows.
        notices: Assumptions and omissions, one sentence each; `pippin.datasets.notices` limits their number.
    """

    format: Format
    features: tuple[Feature, ...]
    splits: Mapping[str, Mapping[str, NDArray[Any]]]
    labels: tuple[str, ...] | None = None
    rows: Mapping[str, Rows] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def place(self, split: str, example: int) -> str:
        """Where example number `example` (from 0) of a split is in the upload, for messages."""
        return self.rows[split].place(example) if split in self.rows else f"{split} example {example + 1}"
