"""NPZ, NumPy's ZIP of arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), without pickle.

Each array is a feature, examples first. Its name is that of the feature, `image`, or includes the split, `train/image`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pippin.api.datasets import Feature
from pippin.datasets.disk_arrays import Workspace
from pippin.datasets.dtypes import stored_dtype, to_stored_dtype
from pippin.datasets.errors import DatasetError, FaultList, quoted, refuse, too_large
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, image_scale
from pippin.datasets.shapes import channels_first
from pippin.datasets.sources import Source, Sources

OPTIONS = frozenset({"scale"})
"""The options that this format reads."""

_MAX_HEADER_CHARACTERS = 10_000
_MAX_DIMENSIONS = 6
_CHUNK = 2**20


def parse_npz(sources: Sources, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace) -> ParsedDataset:
    """Read the arrays of one NPZ; arrays without a prefix are the split `train`.

    Raises:
        DatasetError: A member is not an array of numbers, or is damaged; the message names it.
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
        raise refuse(f"{source.name} in the NPZ is not an array; needs a name that ends in .npy")
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
        disk_array = workspace.new_array(_example(shape), dtype)
        size = 0
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > expected:
                break
            disk_array.write(chunk)
    if size != expected:
        actual = f"{size:,}" if size < expected else "more"
        raise refuse(
            f"{source.name}: its header declares {dtype} of shape {list(shape)}, which is {expected:,} bytes; "
            f"it holds {actual}"
        )
    array = disk_array.finish(shape if fortran else None)
    return to_stored_dtype(array, workspace, lambda example: f"{source.name} example {example + 1}", faults)


def _example(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one example: [1] for a single value, [1, H, W] for a picture without channels."""
    inner = shape[1:]
    return {0: (1,), 2: (1, *inner)}.get(len(inner), inner)


def _read_header(file: BinaryIO, name: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
        shape, fortran, dtype = read(file, max_header_size=_MAX_HEADER_CHARACTERS)
    except DatasetError:
        raise
    except Exception:  # noqa: BLE001 - NumPy parses the header as Python, which raises errors of many types
        raise refuse(f"{name} does not begin with the header of a NumPy array; save it with numpy.savez") from None
    if dtype.hasobject:
        raise refuse(f"{name} holds pickled Python objects, which are never opened; save an array of numbers")
    try:
        stored_dtype(dtype, shape)
    except DatasetError as error:
        raise refuse(f"{name}: {error.faults[0].detail}") from None
    if not 1 <= len(shape) <= _MAX_DIMENSIONS or any(length < 1 for length in shape):
        raise refuse(
            f"{name} has the shape {list(shape)}; it needs 1 to {_MAX_DIMENSIONS} dimensions, examples first, "
            "none of them 0"
        )
    return dtype, shape, fortran


_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SPLITS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "te"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}
_JOINED = re.compile(r"(x|y)(train|test|val|valid)|(train|test|val|valid)(x|y)")
_INPUTS = frozenset({"x", "image", "images", "img", "imgs", "data", "feature", "features", "input", "inputs", "pixels"})
_TARGETS = frozenset(
    {"y", "label", "labels", "target", "targets", "class", "classes", "output", "outputs", "truth", "digit", "digits"}
)
_SHOWN = 4

Place = tuple[str, str]
"""The name of a split and the name of a feature."""


@dataclass(frozen=True)
class Keys:
    """The split and the feature of each array.

    Attributes:
        places: The split and the feature of each key.
        notices: Notices about assumptions.
        hint: How to name the arrays, for a message where their lengths differ; "" where the keys name their splits.
    """

    places: Mapping[str, Place]
    notices: tuple[str, ...] = ()
    hint: str = ""


def read_keys(keys: Iterable[str]) -> Keys:
    """The split and the feature of each array.

    Keys without a slash are read like the keys of Keras and MedMNIST where each key contains the name of one split, and
    the rest of the keys are the same features in several splits, or at least an input and a target. Otherwise all keys
    are features of the split `train`.

    Raises:
        DatasetError: A key has more than one slash, or two keys name the same split and feature.
    """
    keys = list(keys)
    if any("/" in key for key in keys):
        return Keys({key: _place_by_slash(key) for key in keys})
    place_by_key = {key: _place_in_key(key) for key in keys}
    known = {key: place for key, place in place_by_key.items() if place is not None}
    if not known:
        return Keys({key: ("train", key) for key in keys})
    hint = "name each array by its split and its feature: train/x, train/y, test/x, test/y"
    if len(known) < len(keys) or not _are_plausible(list(known.values())):
        listed = ", ".join(list(known)[:_SHOWN])
        notice = f"{listed}: read as features of the split train, not as splits; if they are, {hint}"
        return Keys({key: ("train", key) for key in keys}, (notice,), hint)
    _check_different(known)
    examples = ", ".join(f"{key} as {split}/{name}" for key, (split, name) in list(known.items())[:_SHOWN])
    more = " and so on" if len(known) > _SHOWN else ""
    return Keys(known, (f"read the arrays as splits by their names: {examples}{more}",))


def is_target(name: str) -> bool:
    """Whether a feature has a usual name of a target."""
    return name.lower() in _TARGETS


def _place_by_slash(key: str) -> Place:
    split, slash, name = key.partition("/")
    if "/" in name:
        raise refuse(f"{quoted(key)} has two slashes; name an array image, or train/image to say its split")
    return (split, name) if slash else ("train", key)


def _place_in_key(key: str) -> Place | None:
    """The split and the feature in a key such as `x_train`, `valImages`, `Xtest`; None unless it names one split."""
    match = _JOINED.fullmatch(key.lower())
    words = [word for word in match.groups() if word] if match else [word.lower() for word in _WORD.findall(key)]
    splits = [word for word in words if word in _SPLITS]
    rest = [word for word in words if word not in _SPLITS]
    return (_SPLITS[splits[0]], "_".join(rest)) if len(splits) == 1 and rest else None


def _are_plausible(places: list[Place]) -> bool:
    """Whether the places are the same features in several splits, or an input and a target in one split."""
    by_split: dict[str, set[str]] = {}
    for split, name in places:
        by_split.setdefault(split, set()).add(name)
    features, *others = by_split.values()
    if others:
        # A split that lacks a feature is refused later, by name.
        return any(features & each for each in others)
    return not features.isdisjoint(_INPUTS) and not features.isdisjoint(_TARGETS)


def _check_different(places: Mapping[str, Place]) -> None:
    keys: dict[Place, str] = {}
    for key, place in places.items():
        if place in keys:
            raise refuse(f"{quoted(keys[place])} and {quoted(key)} both are {'/'.join(place)}; rename one of them")
        keys[place] = key
