"""A ZIP of pictures in folders: `[split/]class/file.png`, PNG or JPEG, all of one size."""

from collections.abc import Iterable

import numpy as np

from pippin.datasets.errors import DatasetError, DatasetTooLargeError, FaultList, refuse, too_large
from pippin.datasets.growing import GrowingArray, Workspace
from pippin.datasets.limits import DatasetLimits, Labels
from pippin.datasets.manifest import Feature
from pippin.datasets.names import split_in
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, picture_scale
from pippin.datasets.pictures import Decoder
from pippin.datasets.sources import Source, Sources

OPTIONS = frozenset({"scale", "color"})
"""The options that this format reads."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
"""How the names of pictures end, in lower case."""


def parse_images(
    sources: Sources, options: DatasetOptions, limits: DatasetLimits, workspace: Workspace
) -> ParsedDataset:
    """Reads the pictures into `image`, [1, H, W] or [3, H, W] of uint8, and `label`, the number of their folder.

    Classes are numbered in alphabetic order of their folders, or by value where all are whole numbers.

    Raises:
        DatasetError: A file is no picture, or of another size or kind than the first; it is named.
        DatasetTooLargeError: A picture has too many pixels, or there are too many pictures or classes.
    """
    if not sources.zipped:
        raise refuse("send one ZIP whose folders are the classes, such as cat/1.png or train/cat/1.png")
    if len(sources.files) > limits.max_examples:
        raise too_large(f"the ZIP has {len(sources.files):,} pictures; {limits.max_examples:,} are allowed")
    places = _places(sources.files)
    folders = {label for _, label in places}
    checked = Labels(limits, "rename the folders or leave some out")
    # Before they are ordered: Python refuses to read numbers of more than 4,300 digits.
    for label in folders:
        checked.add(label, "the folders of the ZIP")
    labels = _ordered(folders)
    numbers = {label: number for number, label in enumerate(labels)}
    decoder = Decoder(options.color, limits)
    images: dict[str, GrowingArray] = {}
    targets: dict[str, list[int]] = {}
    faults = FaultList()
    for source, (split, label) in zip(sources.files, places, strict=True):
        try:
            pixels = decoder.decode(source)
        except DatasetTooLargeError:
            raise
        except DatasetError as error:
            faults.add(error.faults[0].detail)
            continue
        if split not in images:
            images[split], targets[split] = workspace.growing(decoder.shape, np.uint8), []
        images[split].append(pixels)
        targets[split].append(numbers[label])
    faults.raise_any()
    splits = {
        split: {"image": growing.finish(), "label": np.array(targets[split], np.int32).reshape(-1, 1)}
        for split, growing in images.items()
    }
    features = (
        Feature(name="image", shape=decoder.shape, dtype="uint8", scale=picture_scale(options)),
        Feature(name="label", shape=(1,), dtype="int32"),
    )
    return ParsedDataset("images", features, splits, labels)


def _places(sources: Iterable[Source]) -> list[tuple[str, str]]:
    """The split and the class of each picture.

    A folder around everything is looked past: zipping a folder puts it there.
    """
    paths = [source.name.split("/") for source in sources]
    tops = {path[0] for path in paths}
    depth = max(map(len, paths))
    if len(tops) == 1 and (depth == 4 or (depth == 3 and split_in(paths[0][0]) is None)):
        paths = [path[1:] for path in paths]
    faults = FaultList()
    places = []
    for path, source in zip(paths, sources, strict=True):
        match path:
            case [split, label, _]:
                places.append((split_in(split) or split, label))
            case [label, _]:
                places.append(("train", label))
            case _:
                faults.add(
                    f"{source.name} lies in the wrong place; right would be class/file.png or split/class/file.png"
                )
                continue
        if source.suffix not in SUFFIXES:
            faults.add(f"{source.name} is not a picture by its name; it would end in {', '.join(sorted(SUFFIXES))}")
    faults.raise_any()
    return places


def _ordered(labels: set[str]) -> tuple[str, ...]:
    if all(label.isdecimal() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))
