"""The stored form of a dataset: one safetensors file whose tensors are named `split/feature`.

The format (https://huggingface.co/docs/safetensors): eight bytes with the header's length, little-endian; the header, a
JSON object `{name: {dtype, shape, data_offsets: [begin, end]}}` padded with spaces; then the data, little-endian and in
C order. The file is written as a stream, since a dataset may be larger than memory, and read as a memory map.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.disk_arrays import batches
from pippin.datasets.errors import refuse
from pippin.datasets.parsed import ParsedDataset

_CODES = {"uint8": "U8", "int32": "I32", "float32": "F32"}
_DTYPES: dict[str, np.dtype[Any]] = {"U8": np.dtype("u1"), "I32": np.dtype("<i4"), "F32": np.dtype("<f4")}
MAX_HEADER_BYTES = 16 * 2**20
"""Limit on the JSON that describes the arrays: a damaged file may declare any length in its first eight bytes."""


def write_arrays(parsed: ParsedDataset, path: Path) -> None:
    """Write the arrays of `parsed` to the new file `path`. The same arrays give the same bytes."""
    arrays = {
        f"{split}/{feature}": (array, _CODES[array.dtype.name])
        for split, features in parsed.splits.items()
        for feature, array in features.items()
    }
    # Sort the widest types first: every tensor then begins at a multiple of its item size, which a memory map needs.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1][0].itemsize, item[0]))
    header: dict[str, object] = {}
    offset = 0
    for name, (array, code) in ordered:
        header[name] = {"dtype": code, "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("xb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for _, (array, code) in ordered:
            for batch in batches(array):
                file.write(np.ascontiguousarray(batch, dtype=_DTYPES[code]).data)


def open_arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    """The arrays of a stored dataset, memory-mapped and read-only.

    Returns:
        `split/feature` -> [N, *shape] of uint8, int32 or float32.

    Raises:
        DatasetError: The file is not a stored dataset, is cut short, or has a contradictory header.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header, begin = _header(file, size)
    mapped: NDArray[np.uint8] = np.asarray(np.memmap(path, mode="r", dtype=np.uint8))
    return {name: _tensor(name, entry, mapped[begin:]) for name, entry in header.items() if name != "__metadata__"}


def _header(file: BinaryIO, size: int) -> tuple[dict[str, object], int]:
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
        raise refuse(f"a stored dataset of {size} bytes cannot have a header of {length}; the file is damaged")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise refuse(f"the header of the stored dataset is not JSON: {error}") from None
    if not isinstance(header, dict) or not header:
        raise refuse("the header of the stored dataset names no arrays")
    return header, 8 + length


def _tensor(name: str, entry: object, data: NDArray[np.uint8]) -> NDArray[Any]:
    match entry:
        case {"dtype": str(code), "shape": list(shape), "data_offsets": [int(begin), int(end)]} if code in _DTYPES:
            dtype = _DTYPES[code]
        case _:
            raise refuse(f"the stored dataset describes {name} as {entry}; needs dtype, shape and data_offsets")
    if not shape or not all(type(length) is int and length > 0 for length in shape):
        raise refuse(f"the stored dataset gives {name} the impossible shape {shape}")
    if not 0 <= begin <= end <= len(data) or end - begin != math.prod(shape) * dtype.itemsize:
        raise refuse(
            f"the stored dataset puts {name} of shape {shape} at bytes {begin} to {end} of {len(data)}, but needs "
            f"{math.prod(shape) * dtype.itemsize} bytes; the file is damaged"
        )
    return data[begin:end].view(dtype).reshape(shape)
