"""The formats there are, and which of them an upload is in."""

from collections.abc import Callable
from dataclasses import dataclass

from pippin.api.datasets import Format
from pippin.datasets import csv_table, idx, images, npz
from pippin.datasets.companions import FOREIGN_PICTURE_SUFFIXES, PICTURE_SUFFIXES
from pippin.datasets.csv_text import looks_like_text
from pippin.datasets.errors import FileFaults, refuse
from pippin.datasets.growing import Workspace
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset
from pippin.datasets.sources import Source, Sources
from pippin.documents.file_kinds import SAMPLE_BYTES, kind_of


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

_MOST_EXAMINED = 1000


def recognise(sources: Sources) -> Format:
    """The format of an upload, from what its files hold; names decide only inside a ZIP.

    Raises:
        DatasetError: It is none of those known.
    """
    suffixes = {source.suffix for source in sources.files}
    if sources.zipped and ".npy" in suffixes:
        return "npz"
    if sources.zipped and suffixes & (PICTURE_SUFFIXES | FOREIGN_PICTURE_SUFFIXES):
        return "images"
    first = sources.files[0]
    begin = _beginning(first)
    if idx.looks_like(begin):
        return "idx"
    if kind := kind_of(begin, first.name):
        raise refuse(f"{first.name} {kind.as_data()}")
    if looks_like_text(begin):
        return "csv"
    raise refuse(
        f"{first.name} begins with the bytes {begin[:8].hex(' ')}, which no format known here does; "
        "send IDX, CSV (UTF-8), one NPZ, or one ZIP of them or of class folders with PNG or JPEG pictures"
    )


def refuse_foreign(sources: Sources) -> None:
    """Refuses files of kinds that Pippin does not read. It explains why a reader refused them.

    Raises:
        DatasetError: There are some; those of one kind make one fault.
    """
    faults = FileFaults()
    for source in sources.files[:_MOST_EXAMINED]:
        begin = _beginning(source)
        is_read = source.suffix == ".npy" if sources.zipped else False
        if not is_read and not idx.looks_like(begin) and (kind := kind_of(begin, source.name)):
            faults.add(source.name, kind.as_data())
    faults.raise_any()


def _beginning(source: Source) -> bytes:
    with source.open() as file:
        return file.read(SAMPLE_BYTES)
