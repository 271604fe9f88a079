"""NPZ, NumPy's ZIP of arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), without pickle.

Each array is a feature, examples first: `image`, or `train/image` to say the split.
"""

import math
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pippin.api.datasets import Feature
from pippin.datasets.channels import channels_first
from pippin.datasets.conform import conform, stored_dtype
from pippin.datasets.errors import DatasetError, FaultList, refuse, too_large
from pippin.datasets.growing import Workspace
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.npz_keys import is_target, read_keys
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, image_scale
from pippin.datasets.sources import Source, Sources

OPTIONS = frozenset({"scale"})
"""The options that this format reads."""

_LONGEST_HEADER = 10_000
_MOST_DIMENSIONS = 6
_CHUNK = 2**20


def parse_npz(sources: Sources, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace) -> ParsedDataset:
    """Reads the arrays of one NPZ; those without a prefix are the split `train`.

    Raises:
        DatasetError: A member is no array of numbers, or is damaged; it is named.
        DatasetTooLargeError: There are too many arrays or examples.
    """
    if not sources.zipped:
        raise refuse("send one .npz file, as numpy.savez writes it")
    if len(sources.files) > limits.max_arrays:
        raise too_large(f"the NPZ holds {len(sources.files)} arrays; {limits.max_arrays} are allowed")
    keys = read_keys(map(_key, sources.files))
    notices = list(keys.notices)
    splits: dict[str, dict[str, NDArray[Any]]] = {}
    faults = FaultList()
    for source in sources.files:
        split, name = keys.places[_key(source)]
        array = _read(source, limits, workspace, faults)
        splits.setdefault(split, {})[name] = channels_first(array, workspace, _key(source), notices)
    faults.raise_any()
    if keys.hint:
        _check_lengths(splits, keys.hint)
    first = dict(sorted(next(iter(splits.values())).items(), key=lambda item: is_target(item[0])))
    features = tuple(
        Feature(name=name, shape=array.shape[1:], dtype=array.dtype.name, scale=image_scale(array, options))
        for name, array in first.items()
    )
    return ParsedDataset("npz", features, splits, notices=tuple(notices))


def _key(source: Source) -> str:
    if source.suffix != ".npy":
        raise refuse(f"{source.name} in the NPZ is not an array; its name would end in .npy")
    return source.name.removesuffix(".npy")


def _check_lengths(splits: Mapping[str, Mapping[str, NDArray[Any]]], hint: str) -> None:
    lengths = {name: len(array) for arrays in splits.values() for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{count:,} in {name}" for name, count in lengths.items())
        raise refuse(f"the arrays have different numbers of examples ({shown}); if they are splits, {hint}")


def _read(source: Source, limits: DatasetLimits, workspace: Workspace, faults: FaultList) -> NDArray[Any]:
    with source.open() as file:
        dtype, shape, fortran = _read_header(file, source.name)
        if shape[0] > limits.max_examples:
            raise too_large(f"{source.name} declares {shape[0]:,} examples; {limits.max_examples:,} are allowed")
        expected = math.prod(shape) * dtype.itemsize
        growing = workspace.growing(_example(shape), dtype)
        size = 0
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > expected:
                break
            growing.write(chunk)
    if size != expected:
        found = f"{size:,}" if size < expected else "more"
        raise refuse(
            f"{source.name}: its header declares {dtype} of shape {list(shape)}, which is {expected:,} bytes; "
            f"it holds {found}"
        )
    array = growing.finish(shape if fortran else None)
    return conform(array, workspace, lambda example: f"{source.name} example {example + 1}", faults)


def _example(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one example: a single value is [1], a picture without channels [1, H, W]."""
    inner = shape[1:]
    return {0: (1,), 2: (1, *inner)}.get(len(inner), inner)


def _read_header(file: BinaryIO, name: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
        shape, fortran, dtype = read(file, max_header_size=_LONGEST_HEADER)
    except DatasetError:
        raise
    except Exception:  # noqa: BLE001  # the header is parsed as Python, which fails in every way there is
        raise refuse(f"{name} does not begin with the header of a NumPy array; save it with numpy.savez") from None
    if dtype.hasobject:
        raise refuse(f"{name} holds pickled Python objects, which are never opened; save an array of numbers")
    try:
        stored_dtype(dtype, shape)
    except DatasetError as error:
        raise refuse(f"{name}: {error.faults[0].detail}") from None
    if not 1 <= len(shape) <= _MOST_DIMENSIONS or any(length < 1 for length in shape):
        raise refuse(
            f"{name} has the shape {list(shape)}; it needs 1 to {_MOST_DIMENSIONS} dimensions, examples first, "
            "none of them 0"
        )
    return dtype, shape, fortran
