"""IDX, the format of the MNIST files (http://yann.lecun.com/exdb/mnist/).

Two zero bytes, a type, the number of dimensions, each dimension's length as a big-endian 32-bit number, then the
values, big-endian, in C order. A file with one dimension holds labels, one with more dimensions images. The name of the
file determines its split.
"""

import math
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import Feature
from pippin.datasets.disk_arrays import Workspace
from pippin.datasets.dtypes import to_stored_dtype
from pippin.datasets.errors import FaultList, refuse, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.names import split_in
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, image_scale
from pippin.datasets.shapes import channels_first
from pippin.datasets.sources import Source, Sources

OPTIONS = frozenset({"scale"})
"""The options that this format reads."""

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 5
_CHUNK = 2**20


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    dims: tuple[int, ...]

    @property
    def length(self) -> int:
        return 4 + 4 * len(self.dims)

    @property
    def example(self) -> tuple[int, ...]:
        """The shape of one example: [1] for a label, [1, H, W] for a picture without channels."""
        inner = self.dims[1:]
        return {0: (1,), 2: (1, *inner)}.get(len(inner), inner)


def looks_like(begin: bytes) -> bool:
    """Whether a file that begins with these bytes (at least four) is IDX."""
    return begin[:2] == b"\0\0" and len(begin) >= 4 and begin[2] in _TYPES and 1 <= begin[3] <= _MAX_DIMENSIONS


def parse_idx(sources: Sources, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace) -> ParsedDataset:
    """Read pairs of a file of images and a file of labels into the features `image` and `label`.

    Raises:
        DatasetError: A file is malformed (the message has the byte offset), or a file of a pair is missing or has
            another number of examples.
    """
    splits: dict[str, dict[str, NDArray[Any]]] = {}
    names: dict[tuple[str, str], str] = {}
    faults = FaultList()
    notices: list[str] = []
    for source in sources.files:
        split = split_in(source.name) or "train"
        array = _read(source, limits, workspace, faults)
        feature = "label" if array.shape[1:] == (1,) else "image"
        if (split, feature) in names:
            raise refuse(
                f"{names[split, feature]} and {source.name} both hold the {feature}s of the split {split}; "
                "name the files as MNIST does: train-images…, train-labels…, t10k-images…, t10k-labels…"
            )
        names[split, feature] = source.name
        splits.setdefault(split, {})[feature] = channels_first(array, workspace, source.name, notices)
    faults.raise_any()
    _check_pairs(splits, names)
    first = next(iter(splits.values()))
    features = tuple(
        Feature(
            name=name,
            shape=first[name].shape[1:],
            dtype=first[name].dtype.name,
            scale=image_scale(first[name], options),
        )
        for name in ("image", "label")
    )
    return ParsedDataset("idx", features, splits, notices=tuple(notices))


def _check_pairs(splits: dict[str, dict[str, NDArray[Any]]], names: dict[tuple[str, str], str]) -> None:
    for split, arrays in splits.items():
        if len(arrays) < 2:
            (name,) = (names[split, feature] for feature in arrays)
            missing = "labels" if "image" in arrays else "images"
            raise refuse(f"{name} has no matching file of {missing}; IDX files are pairs of images and labels")
        images, labels = len(arrays["image"]), len(arrays["label"])
        if images != labels:
            raise refuse(f"{names[split, 'image']} holds {images} images and {names[split, 'label']} {labels} labels")


def _read(source: Source, limits: DatasetLimits, workspace: Workspace, faults: FaultList) -> NDArray[Any]:
    with source.open() as file:
        header = _read_header(file, source.name, limits)
        disk_array = workspace.new_array(header.example, header.dtype)
        size = 0
        expected = math.prod(header.dims) * header.dtype.itemsize
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > expected:
                break
            disk_array.write(chunk)
    if size != expected:
        actual = f"ends at byte {header.length + size}" if size < expected else "continues after it"
        raise refuse(
            f"{source.name}: its header declares {_shown(header.dims)} values of {header.dtype.itemsize} "
            f"bytes, which end at byte {header.length + expected}, but the file {actual}"
        )
    return to_stored_dtype(
        disk_array.finish(), workspace, lambda example: f"{source.name} example {example + 1}", faults
    )


def _shown(dims: tuple[int, ...]) -> str:
    return " by ".join(map(str, dims))


def _read_header(file: BinaryIO, name: str, limits: DatasetLimits) -> _Header:
    begin = file.read(4)
    if not looks_like(begin):
        types = ", ".join(f"0x{code:02X}" for code in _TYPES)
        raise refuse(
            f"{name} is not an IDX file: it begins with the bytes {begin.hex(' ') or 'of nothing'}; needs 00 00, a "
            f"type ({types}) and 1 to {_MAX_DIMENSIONS} dimensions"
        )
    count = begin[3]
    lengths = file.read(4 * count)
    if len(lengths) < 4 * count:
        raise refuse(f"{name} ends at byte {4 + len(lengths)}, in the middle of its {count} dimensions")
    dims = tuple(int.from_bytes(lengths[at : at + 4], "big") for at in range(0, 4 * count, 4))
    if 0 in dims:
        raise refuse(f"{name} declares the dimensions {_shown(dims)} from byte 4 on, which contain no value")
    if dims[0] > limits.max_examples:
        raise too_large(f"{name} declares {dims[0]:,} examples; {limits.max_examples:,} are allowed")
    return _Header(np.dtype(_TYPES[begin[2]]), dims)
