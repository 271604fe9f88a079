"""A ZIP of pictures in folders: `[split/]class/file.png`, PNG or JPEG, all of one size."""

from collections.abc import Iterable

import numpy as np

from pippin.api.datasets import Feature
from pippin.datasets.companions import PICTURE_SUFFIXES
from pippin.datasets.errors import FileFaults, refuse, too_large
from pippin.datasets.folders import places
from pippin.datasets.growing import GrowingArray, Workspace
from pippin.datasets.limits import DatasetLimits, Labels
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, picture_scale
from pippin.datasets.pictures import Decoder, PictureError
from pippin.datasets.sources import Source, Sources
from pippin.documents.file_kinds import SAMPLE_BYTES, kind_of

OPTIONS = frozenset({"scale", "color", "background"})
"""The options that this format reads."""

_NO_PICTURE = "is not a picture by its name; rename it if it is a PNG or JPEG, else leave it out"


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
    _check_names(sources.files)
    found = places([source.name for source in sources.files])
    folders = {label for _, label in found.places}
    checked = Labels(limits, "rename the folders or leave some out")
    # Before they are ordered: Python refuses to read numbers of more than 4,300 digits.
    for label in folders:
        checked.add(label, "the folders of the ZIP")
    labels = _ordered(folders)
    numbers = {label: number for number, label in enumerate(labels)}
    decoder = Decoder(options.color, options.background, limits)
    images: dict[str, GrowingArray] = {}
    targets: dict[str, list[int]] = {}
    faults = FileFaults()
    for source, (split, label) in zip(sources.files, found.places, strict=True):
        try:
            pixels = decoder.decode(source)
        except PictureError as error:
            faults.add(source.name, error.what, error.kind)
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
    return ParsedDataset("images", features, splits, labels, notices=(*found.notices, *decoder.notices()))


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
