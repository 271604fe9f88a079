"""The first examples of a stored dataset, read without fetching the rest of it."""

import json
from math import prod
from typing import Any

import numpy as np

from pippin.blobs import Blobs
from pippin.datasets.manifest import StoredManifest
from service.problems import invalid_parameter

_MOST_VALUES = 1_000_000


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
    examples = {known.name: known.examples for known in manifest.splits}
    if split not in examples:
        raise invalid_parameter("split", f"the dataset has no split {split!r}; its splits are {', '.join(examples)}")
    per_example = sum(prod(feature.shape) for feature in manifest.features)
    count = min(most, examples[split], max(1, _MOST_VALUES // per_example))
    header, begin = _header(manifest.digest, blobs)
    columns = {}
    for feature in manifest.features:
        # safetensors: little-endian, in C order, at an offset from the end of the header.
        dtype = np.dtype(feature.dtype).newbyteorder("<")
        start = begin + header[f"{split}/{feature.name}"]["data_offsets"][0]
        data = _read(blobs, manifest.digest, start, start + count * prod(feature.shape) * dtype.itemsize)
        columns[feature.name] = np.frombuffer(data, dtype).reshape(count, *feature.shape).tolist()
    return [{name: values[index] for name, values in columns.items()} for index in range(count)]


def _header(digest: str, blobs: Blobs) -> tuple[dict[str, Any], int]:
    end = 8 + int.from_bytes(_read(blobs, digest, 0, 8), "little")
    return json.loads(_read(blobs, digest, 8, end)), end


def _read(blobs: Blobs, digest: str, start: int, stop: int) -> bytes:
    return b"".join(blobs.read(digest, start, stop))
