"""Where the pictures of a ZIP belong: `[split/]class/file`, read off their paths."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pippin.datasets.errors import FileFaults, quoted
from pippin.datasets.names import composed, is_split_name, split_in

_NO_CLASS = "lies in a split but in no class folder; move it to split/class/file.png, or leave out what has no class"
_WRONG_PLACE = "lies in the wrong place; right would be class/file.png or split/class/file.png"
_BESIDE_SPLITS = "lies in no split, where a folder beside it is one; move it to split/class/file.png"
_TOO_DEEP = "lies a folder too deep, where other pictures lie in class folders; move it to class/file.png"
_SHOWN = 5

Path = Sequence[str]


@dataclass(frozen=True)
class Places:
    """The split and the class of each picture, and what was assumed."""

    places: list[tuple[str, str]]
    notices: tuple[str, ...]


def places(names: Sequence[str]) -> Places:
    """The split and the class of each picture, by the folders in its name.

    Folders around everything are looked past, and so is a folder around all classes of a split: zipping puts them
    there. A folder that is named as a split is a class only where nothing else is a split.

    Raises:
        DatasetError: A picture lies where its split or class cannot be told.
    """
    paths = _without_wrappers([name.split("/") for name in names])
    is_class_first = all(len(path) == 3 and is_split_name(path[1]) and not is_split_name(path[0]) for path in paths)
    if is_class_first:
        paths = [[split, folder, file] for folder, split, file in paths]
    flat = {path[0] for path in paths if len(path) == 2}
    above = {path[0] for path in paths if len(path) == 3}
    flat_splits = {folder for folder in flat if is_split_name(folder)}
    are_splits = bool(above) or len(flat_splits) > 1 or flat_splits == flat
    faults = FileFaults()
    found = []
    for name, path in zip(names, paths, strict=True):
        fault = _fault(path, above, flat, flat_splits if are_splits else set())
        if fault:
            faults.add(name, fault)
            continue
        split = (split_in(path[0]) or path[0]) if len(path) == 3 else "train"
        found.append((split, composed(path[-2]).strip() or path[-2]))
    faults.raise_any()
    notices = _notices(above, flat, flat_splits)
    if is_class_first:
        notices.append(f"class folders that hold split folders, as in {quoted(names[0])}: read as split/class/file")
    return Places(found, tuple(notices))


def _fault(path: Path, above: set[str], flat: set[str], splits: set[str]) -> str | None:
    """What is wrong with a picture's place.

    Args:
        path: Its folders and its name.
        above: The folders that hold folders with pictures.
        flat: Those that hold pictures.
        splits: Of `flat`, the splits.
    """
    match path:
        case [split, _, _]:
            return _TOO_DEEP if flat - splits and not is_split_name(split) else None
        case [folder, _] if folder in splits:
            return _NO_CLASS
        case [_, _]:
            return _BESIDE_SPLITS if any(split_in(split) == "train" for split in above) else None
        case _:
            return _WRONG_PLACE


def _notices(above: set[str], flat: set[str], flat_splits: set[str]) -> list[str]:
    notices = []
    if not above:
        notices += [
            f"the folder {quoted(folder)} was taken for a class, since no other folder is a split; "
            "if it is one, put its pictures into class folders"
            for folder in flat_splits
        ]
    elif flat:
        notices.append(f"{_listed(flat)} in no split folder: taken for classes of the split train")
    if named := {folder for folder in above if split_in(folder) is None}:
        notices.append(f"{_listed(named)} taken for splits, since they hold class folders")
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
    """Whether the first folder lies around everything and is neither a split nor a class."""
    depth = max(map(len, paths))
    if len({path[0] for path in paths}) > 1 or depth < 3:
        return False
    inner_is_split = any(len(path) > 2 and is_split_name(path[1]) for path in paths)
    return not is_split_name(paths[0][0]) or (depth > 3 and inner_is_split)
