"""Examples of a stored dataset, read without fetching the rest of it."""

import json
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.blobs import Blobs
from pippin.datasets.manifest import Feature, StoredManifest
from service.problems import invalid_parameter

_MOST_VALUES = 1_000_000
_PIECE_EXAMPLES = 1_000_000


def preview(manifest: StoredManifest, split: str, most: int, blobs: Blobs) -> list[dict[str, Any]]:
    """The first examples of a split: feature name -> its values as stored, nested by its shape.

    Args:
        manifest: The dataset.
        split: Which part of it.
        most: How many examples; there are fewer where they are large.
        blobs: Where the arrays lie.

    Raises:
        Problem: 422, when there is no such split.
        BlobError: The arrays cannot be read.
    """
    count = min(most, _examples_of(manifest, split), _most_of(manifest))
    arrays = _Arrays(manifest, blobs)
    columns = {feature.name: arrays.read(split, feature, 0, count).tolist() for feature in manifest.features}
    return [{name: values[index] for name, values in columns.items()} for index in range(count)]


def examples_at(manifest: StoredManifest, split: str, rows: Sequence[int], blobs: Blobs) -> list[dict[str, Any]]:
    """The same of chosen rows, counted from 0, in the order given; fewer of them where examples are large.

    Raises:
        Problem: 422, when there is no such split or row.
        BlobError: The arrays cannot be read.
    """
    examples = _examples_of(manifest, split)
    for row in rows:
        if not 0 <= row < examples:
            raise invalid_parameter("at", f"found {row}; the split has the rows 0 to {examples - 1}")
    arrays = _Arrays(manifest, blobs)
    return [
        {feature.name: arrays.read(split, feature, row, row + 1)[0].tolist() for feature in manifest.features}
        for row in rows[: _most_of(manifest)]
    ]


def class_counts(manifest: StoredManifest, feature: Feature, blobs: Blobs) -> dict[str, dict[int, int]]:
    """How many examples each split has of each class number.

    Args:
        manifest: The dataset.
        feature: Its class numbers: whole, one an example.
        blobs: Where the arrays lie.

    Raises:
        BlobError: The arrays cannot be read.
    """
    arrays = _Arrays(manifest, blobs)
    counts: dict[str, dict[int, int]] = {}
    for split in manifest.splits:
        of_split = counts[split.name] = {}
        for start in range(0, split.examples, _PIECE_EXAMPLES):
            stop = min(start + _PIECE_EXAMPLES, split.examples)
            numbers, times = np.unique(arrays.read(split.name, feature, start, stop), return_counts=True)
            for number, many in zip(numbers.tolist(), times.tolist(), strict=True):
                of_split[number] = of_split.get(number, 0) + many
    return counts


class _Arrays:
    """The arrays of a dataset: safetensors, little-endian, in C order, at offsets from the end of its header."""

    def __init__(self, manifest: StoredManifest, blobs: Blobs) -> None:
        self._digest = manifest.digest
        self._blobs = blobs
        self._begin = 8 + int.from_bytes(self._bytes(0, 8), "little")
        self._header: dict[str, Any] = json.loads(self._bytes(8, self._begin))

    def read(self, split: str, feature: Feature, start: int, stop: int) -> NDArray[Any]:
        """The values of examples `start` to `stop` (exclusive), `[stop - start, *feature.shape]`."""
        dtype = np.dtype(feature.dtype).newbyteorder("<")
        first = self._begin + self._header[f"{split}/{feature.name}"]["data_offsets"][0]
        size = prod(feature.shape) * dtype.itemsize
        data = self._bytes(first + start * size, first + stop * size)
        return np.frombuffer(data, dtype).reshape(stop - start, *feature.shape)

    def _bytes(self, start: int, stop: int) -> bytes:
        return b"".join(self._blobs.read(self._digest, start, stop))


def _examples_of(manifest: StoredManifest, split: str) -> int:
    examples = {known.name: known.examples for known in manifest.splits}
    if split not in examples:
        raise invalid_parameter("split", f"the dataset has no split {split!r}; its splits are {', '.join(examples)}")
    return examples[split]


def _most_of(manifest: StoredManifest) -> int:
    return max(1, _MOST_VALUES // sum(prod(feature.shape) for feature in manifest.features))
