"""A ZIP of pictures in folders: `[split/]class/file.png`, PNG or JPEG, all of one size."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pippin.api.datasets import Feature
from pippin.datasets.disk_arrays import DiskArray, Workspace
from pippin.datasets.errors import FileFaults, quoted, refuse, too_large
from pippin.datasets.ignored_files import PICTURE_SUFFIXES
from pippin.datasets.limits import DatasetLimits, Labels
from pippin.datasets.names import is_split_name, nfc, split_in
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, picture_scale
from pippin.datasets.pictures import Decoder, PictureError
from pippin.datasets.sources import Source, Sources
from pippin.documents.file_kinds import SAMPLE_BYTES, kind_of

OPTIONS = frozenset({"scale", "color", "background"})
"""The options that this format reads."""

_NO_PICTURE = "is not a picture by its name; rename it if it is a PNG or JPEG, else remove it"


def parse_images(
    sources: Sources, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace
) -> ParsedDataset:
    """Read the pictures into `image`, [1, H, W] or [3, H, W] of uint8, and `label`, the number of their folder.

    Classes are numbered in the alphabetic order of their folders, or by value where all are whole numbers.

    Raises:
        DatasetError: A file is not a picture, or differs from the first in size or colour mode; the message names it.
        DatasetTooLargeError: A picture has too many pixels, or there are too many pictures or classes.
    """
    if not sources.zipped:
        raise refuse("send one ZIP whose folders are the classes, such as cat/1.png or train/cat/1.png")
    if len(sources.files) > limits.max_examples:
        raise too_large(f"the ZIP has {len(sources.files):,} pictures; {limits.max_examples:,} are allowed")
    _check_names(sources.files)
    located = places([source.name for source in sources.files])
    folders = {label for _, label in located.places}
    label_limits = Labels(limits, "rename the folders or remove some")
    # Check labels before sorting: Python refuses to parse numbers of more than 4,300 digits.
    for label in folders:
        label_limits.add(label, "the folders of the ZIP")
    labels = _ordered(folders)
    numbers = {label: number for number, label in enumerate(labels)}
    decoder = Decoder(options.color, options.background, limits)
    images: dict[str, DiskArray] = {}
    targets: dict[str, list[int]] = {}
    faults = FileFaults()
    for source, (split, label) in zip(sources.files, located.places, strict=True):
        try:
            pixels = decoder.decode(source)
        except PictureError as error:
            faults.add(source.name, error.what, error.kind)
            continue
        if split not in images:
            images[split], targets[split] = workspace.new_array(decoder.shape, np.uint8), []
        images[split].append(pixels)
        targets[split].append(numbers[label])
    faults.raise_any()
    splits = {
        split: {"image": disk_array.finish(), "label": np.array(targets[split], np.int32).reshape(-1, 1)}
        for split, disk_array in images.items()
    }
    features = (
        Feature(name="image", shape=decoder.shape, dtype="uint8", scale=picture_scale(options)),
        Feature(name="label", shape=(1,), dtype="int32"),
    )
    return ParsedDataset("images", features, splits, labels, notices=(*located.notices, *decoder.notices()))


def _check_names(sources: Iterable[Source]) -> None:
    faults = FileFaults()
    for source in sources:
        if source.suffix not in PICTURE_SUFFIXES:
            with source.open() as file:
                kind = kind_of(file.read(SAMPLE_BYTES), source.name)
            faults.add(source.name, kind.as_data() if kind else _NO_PICTURE)
    faults.raise_any()


def _ordered(labels: set[str]) -> tuple[str, ...]:
    if all(label.isdecimal() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


_NO_CLASS = "is in a split but not in a class folder; move it to split/class/file.png, or remove files without a class"
_WRONG_PLACE = "is in the wrong folder; move it to class/file.png or split/class/file.png"
_BESIDE_SPLITS = "is not in a split, but other folders are splits; move it to split/class/file.png"
_TOO_DEEP = "is one folder too deep; other pictures are in class folders; move it to class/file.png"
_SHOWN = 5

Path = Sequence[str]


@dataclass(frozen=True)
class Places:
    """The split and the class of each picture, and notices about assumptions."""

    places: list[tuple[str, str]]
    notices: tuple[str, ...]


def places(names: Sequence[str]) -> Places:
    """The split and the class of each picture, by the folders in its name.

    Folders that contain all files are ignored, and so is a folder that contains all classes of a split: ZIP programs
    add such folders. A folder with the name of a split is a class only where no other folder is a split.

    Raises:
        DatasetError: The folders of a picture do not determine its split and class.
    """
    paths = _without_wrappers([name.split("/") for name in names])
    is_class_first = all(len(path) == 3 and is_split_name(path[1]) and not is_split_name(path[0]) for path in paths)
    if is_class_first:
        paths = [[split, folder, file] for folder, split, file in paths]
    flat = {path[0] for path in paths if len(path) == 2}
    outer = {path[0] for path in paths if len(path) == 3}
    flat_splits = {folder for folder in flat if is_split_name(folder)}
    are_splits = bool(outer) or len(flat_splits) > 1 or flat_splits == flat
    faults = FileFaults()
    resolved = []
    for name, path in zip(names, paths, strict=True):
        fault = _fault(path, outer, flat, flat_splits if are_splits else set())
        if fault:
            faults.add(name, fault)
            continue
        split = (split_in(path[0]) or path[0]) if len(path) == 3 else "train"
        resolved.append((split, nfc(path[-2]).strip() or path[-2]))
    faults.raise_any()
    notices = _notices(outer, flat, flat_splits)
    if is_class_first:
        notices.append(f"class folders that contain split folders, as in {quoted(names[0])}: read as split/class/file")
    return Places(resolved, tuple(notices))


def _fault(path: Path, outer: set[str], flat: set[str], splits: set[str]) -> str | None:
    """Why the folders of a picture do not determine its split and class; None where they do.

    Args:
        path: The folders and the name of the picture.
        outer: The folders that contain folders with pictures.
        flat: The folders that contain pictures.
        splits: The folders of `flat` that are splits.
    """
    match path:
        case [split, _, _]:
            return _TOO_DEEP if flat - splits and not is_split_name(split) else None
        case [folder, _] if folder in splits:
            return _NO_CLASS
        case [_, _]:
            return _BESIDE_SPLITS if any(split_in(split) == "train" for split in outer) else None
        case _:
            return _WRONG_PLACE


def _notices(outer: set[str], flat: set[str], flat_splits: set[str]) -> list[str]:
    notices = []
    if not outer:
        notices += [
            f"the folder {quoted(folder)} is read as a class, since no other folder is a split; if it is a split, put "
            "its pictures into class folders"
            for folder in flat_splits
        ]
    elif flat:
        notices.append(f"{_listed(flat)} outside of a split folder: read as classes of the split train")
    if named := {folder for folder in outer if split_in(folder) is None}:
        notices.append(f"{_listed(named)} read as splits, since they contain class folders")
    return notices


def _listed(folders: set[str]) -> str:
    shown = ", ".join(map(quoted, sorted(folders)[:_SHOWN]))
    return f"{shown} and {len(folders) - _SHOWN:,} more folders" if len(folders) > _SHOWN else shown


def _without_wrappers(paths: list[list[str]]) -> list[list[str]]:
    while _has_wrapper(paths):
        paths = [path[1:] for path in paths]
    by_split: dict[str, list[list[str]]] = defaultdict(list)
    for path in paths:
        by_split[path[0]].append(path)
    wrapped = {
        split
        for split, inside in by_split.items()
        if is_split_name(split) and all(len(path) >= 4 for path in inside) and len({path[1] for path in inside}) == 1
    }
    return [[path[0], *path[2:]] if path[0] in wrapped else path for path in paths]


def _has_wrapper(paths: list[list[str]]) -> bool:
    """Whether all paths are in one folder that is neither a split nor a class."""
    depth = max(map(len, paths))
    if len({path[0] for path in paths}) > 1 or depth < 3:
        return False
    inner_is_split = any(len(path) > 2 and is_split_name(path[1]) for path in paths)
    return not is_split_name(paths[0][0]) or (depth > 3 and inner_is_split)
