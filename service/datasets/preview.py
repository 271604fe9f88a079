"""Previews of stored datasets: single examples and class counts, read without fetching the whole blob."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import Feature, StoredManifest
from pippin.blobs import BlobDamagedError, Blobs
from pippin.datasets.arrays import MAX_HEADER_BYTES
from service.problems import invalid_parameter
from service.sandbox import Sandbox

# A float32 in JSON takes up to 24 bytes, and the brackets around a value of five dimensions 10.
_BYTES_PER_VALUE = 40
# Ranges of the blob that one preview reads; in a bucket each takes about 20 ms.
_MAX_READS = 1000
_PIECE_EXAMPLES = 1_000_000
_SECONDS = 30.0
_MEMORY_BYTES = 128 * 2**20
_MEMORY_PER_BYTE = 16


@dataclass(frozen=True)
class Previews:
    """Makes previews. Values become JSON in the sandbox: a million of them take 30 MB as Python numbers.

    Attributes:
        blobs: Holds the arrays.
        sandbox: Runs the conversion to JSON.
        max_bytes: The largest size of an answer.
    """

    blobs: Blobs
    sandbox: Sandbox
    max_bytes: int

    def first(self, manifest: StoredManifest, split: str, count: int) -> bytes:
        """A `Preview` in JSON of the first `count` examples of a split, fewer where they are large.

        Raises:
            Problem: 422, when there is no such split.
            BlobError: The arrays cannot be read.
            SandboxError: The conversion was stopped or crashed.
        """
        shown = min(count, _examples_of(manifest, split), self._max_examples(manifest))
        return self._answer(manifest, split, [(0, shown)])

    def chosen(self, manifest: StoredManifest, split: str, rows: Sequence[int]) -> bytes:
        """A `Preview` in JSON of the examples `rows` (from 0), in this order, fewer where they are large.

        Raises:
            Problem: 422, when there is no such split or row.
            BlobError: The arrays cannot be read.
            SandboxError: The conversion was stopped or crashed.
        """
        examples = _examples_of(manifest, split)
        for row in rows:
            if not 0 <= row < examples:
                raise invalid_parameter("at", f"found {row}; the split has the rows 0 to {examples - 1}")
        shown = min(self._max_examples(manifest), max(1, _MAX_READS // len(manifest.features)))
        return self._answer(manifest, split, [(row, row + 1) for row in rows[:shown]])

    def _answer(self, manifest: StoredManifest, split: str, ranges: Sequence[tuple[int, int]]) -> bytes:
        arrays = _Arrays(manifest, self.blobs)
        count = sum(stop - start for start, stop in ranges)
        remaining = self._max_values
        columns, truncated = [], []
        for feature in manifest.features:
            size = prod(feature.shape)
            # Several examples are shown only where all of them fit.
            taken = size if count * size <= remaining else remaining // count
            data = b"".join(arrays.read(split, feature, start, stop, taken) for start, stop in ranges)
            shape = feature.shape if taken == size else (taken,)
            columns.append((feature.name, feature.dtype, (count, *shape), base64.b64encode(data).decode()))
            if taken < size:
                truncated.append(feature.name)
            remaining -= count * taken
        about = {"dataset": manifest.id, "split": split, "truncated": truncated}
        return self.sandbox.run(
            "preview_examples",
            {"about": about, "columns": columns},
            seconds=_SECONDS,
            memory_bytes=_MEMORY_BYTES + _MEMORY_PER_BYTE * self.max_bytes,
        ).attachment

    @property
    def _max_values(self) -> int:
        return self.max_bytes // _BYTES_PER_VALUE

    def _max_examples(self, manifest: StoredManifest) -> int:
        return max(1, self._max_values // sum(prod(feature.shape) for feature in manifest.features))


def class_counts(
    manifest: StoredManifest, feature: Feature, blobs: Blobs, max_classes: int
) -> dict[str, dict[int, int]] | None:
    """How many examples each split has of each class number; None when a split has more classes than `max_classes`.

    Args:
        manifest: The dataset.
        feature: The feature with class numbers: whole, one for each example.
        blobs: Holds the arrays.
        max_classes: Counting stops at the first split with more classes: ten million of them took a gigabyte.

    Raises:
        BlobError: The arrays cannot be read.
    """
    arrays = _Arrays(manifest, blobs)
    counts: dict[str, dict[int, int]] = {}
    for split in manifest.splits:
        of_split = counts[split.name] = {}
        for start in range(0, split.examples, _PIECE_EXAMPLES):
            stop = min(start + _PIECE_EXAMPLES, split.examples)
            numbers, frequencies = np.unique(arrays.numbers(split.name, feature, start, stop), return_counts=True)
            if len(numbers) > max_classes:
                return None
            for number, count in zip(numbers.tolist(), frequencies.tolist(), strict=True):
                of_split[number] = of_split.get(number, 0) + count
            if len(of_split) > max_classes:
                return None
    return counts


class _Arrays:
    """Reads ranges of the arrays of a dataset: safetensors, little-endian, in C order, at offsets after its header.

    Raises:
        BlobDamagedError: The ranges that were read do not fit the manifest.
    """

    def __init__(self, manifest: StoredManifest, blobs: Blobs) -> None:
        self._digest = manifest.digest
        self._blobs = blobs
        length = int.from_bytes(self._bytes(0, 8), "little")
        if length > MAX_HEADER_BYTES:
            raise self._damaged(f"its header has a length of {length:,} bytes")
        self._begin = 8 + length
        try:
            header = json.loads(self._bytes(8, self._begin))
            self._offsets = {name: int(entry["data_offsets"][0]) for name, entry in header.items()}
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise self._damaged("its header cannot be read") from error

    def read(self, split: str, feature: Feature, start: int, stop: int, values: int) -> bytes:
        """The first `values` values of each of the examples `start` to `stop` (exclusive)."""
        first = self._begin + self._offsets[f"{split}/{feature.name}"]
        itemsize = np.dtype(feature.dtype).itemsize
        size = prod(feature.shape) * itemsize
        if values == prod(feature.shape):
            return self._bytes(first + start * size, first + stop * size)
        begins = range(first + start * size, first + stop * size, size)
        return b"".join(self._bytes(begin, begin + values * itemsize) for begin in begins)

    def numbers(self, split: str, feature: Feature, start: int, stop: int) -> NDArray[Any]:
        """The values of a feature with one value for each example, [stop - start]."""
        return np.frombuffer(self.read(split, feature, start, stop, 1), np.dtype(feature.dtype).newbyteorder("<"))

    def _bytes(self, start: int, stop: int) -> bytes:
        data = b"".join(self._blobs.read(self._digest, start, stop))
        if len(data) != stop - start:
            raise self._damaged(f"it ends before byte {stop:,}")
        return data

    def _damaged(self, how: str) -> BlobDamagedError:
        return BlobDamagedError(f"the blob {self._digest} is damaged: {how}; upload the dataset again")


def _examples_of(manifest: StoredManifest, split: str) -> int:
    examples = {each.name: each.examples for each in manifest.splits}
    if split not in examples:
        raise invalid_parameter("split", f"the dataset has no split {split!r}; its splits are {', '.join(examples)}")
    return examples[split]
