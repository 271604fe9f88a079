"""The formats there are, and which of them an upload is in."""

from collections.abc import Callable
from dataclasses import dataclass

from pippin.datasets import csv_table, idx, images, npz
from pippin.datasets.csv_text import looks_like_text
from pippin.datasets.errors import refuse
from pippin.datasets.growing import Workspace
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.manifest import Format
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset
from pippin.datasets.sources import Sources


@dataclass(frozen=True)
class Reader:
    """How a format is read.

    Attributes:
        parse: Reads the files into arrays kept in the given workspace.
        options: The names of the options that it reads.
    """

    parse: Callable[[Sources, DatasetOptions, DatasetLimits, Workspace], ParsedDataset]
    options: frozenset[str]


READERS: dict[Format, Reader] = {
    "idx": Reader(idx.parse_idx, idx.OPTIONS),
    "csv": Reader(csv_table.parse_csv, csv_table.OPTIONS),
    "npz": Reader(npz.parse_npz, npz.OPTIONS),
    "images": Reader(images.parse_images, images.OPTIONS),
}
"""Every format: a new one gets its line here, and in `recognise`."""

_BEGIN = 4096


def recognise(sources: Sources) -> Format:
    """The format of an upload, from what its files hold; names decide only inside a ZIP.

    Raises:
        DatasetError: It is none of those known.
    """
    suffixes = {source.suffix for source in sources.files}
    if sources.zipped and ".npy" in suffixes:
        return "npz"
    if sources.zipped and suffixes & images.SUFFIXES:
        return "images"
    first = sources.files[0]
    with first.open() as file:
        begin = file.read(_BEGIN)
    if idx.looks_like(begin):
        return "idx"
    if looks_like_text(begin):
        return "csv"
    raise refuse(
        f"{first.name} begins with the bytes {begin[:8].hex(' ') or 'of nothing'}, which no format known here does; "
        "send IDX, CSV (UTF-8), one NPZ, or one ZIP of them or of class folders with PNG or JPEG pictures"
    )
