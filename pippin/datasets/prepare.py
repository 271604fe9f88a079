"""Turns an upload into the dataset that is stored: recognises the format, reads the arrays, builds the manifest."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pippin.api.datasets import Feature, Format, Range, Split, StoredManifest
from pippin.datasets import idx, images, npz
from pippin.datasets.arrays import write_arrays
from pippin.datasets.consistency import check_consistency, value_ranges
from pippin.datasets.csv import table as csv
from pippin.datasets.csv.text import looks_like_text
from pippin.datasets.disk_arrays import Workspace
from pippin.datasets.errors import DatasetError, DatasetTooLargeError, FileFaults, refuse
from pippin.datasets.ignored_files import FOREIGN_PICTURE_SUFFIXES, PICTURE_SUFFIXES, ignored_notice
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.notices import bounded, class_notices, scale_notices
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset
from pippin.datasets.sources import Source, Sources, open_upload
from pippin.datasets.upload import Upload
from pippin.documents.file_kinds import SAMPLE_BYTES, kind_of


@dataclass(frozen=True)
class Reader:
    """How to read a format.

    Attributes:
        parse: The function that reads the files into arrays of the workspace.
        options: The names of the options that apply to the format.
    """

    parse: Callable[[Sources, DatasetOptions, DatasetLimits, Workspace], ParsedDataset]
    options: frozenset[str]


READERS: dict[Format, Reader] = {
    "idx": Reader(idx.parse_idx, idx.OPTIONS),
    "csv": Reader(csv.parse_csv, csv.OPTIONS),
    "npz": Reader(npz.parse_npz, npz.OPTIONS),
    "images": Reader(images.parse_images, images.OPTIONS),
}
"""Every format. A new format needs a line here and a test in `recognise`."""

_MAX_EXAMINED = 1000


def recognise(sources: Sources) -> Format:
    """The format of an upload, by the content of its files. Names count only inside a ZIP.

    Raises:
        DatasetError: The upload has none of the formats.
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
        f"{first.name} begins with the bytes {begin[:8].hex(' ')}, which no supported format does; send IDX, CSV "
        "(UTF-8), one NPZ, or one ZIP of them or of class folders with PNG or JPEG pictures"
    )


def refuse_foreign(sources: Sources) -> None:
    """Refuse files of kinds that Pippin does not read. Called after a reader has failed with a less specific error.

    Raises:
        DatasetError: There are such files, with one fault for each kind.
    """
    faults = FileFaults()
    for source in sources.files[:_MAX_EXAMINED]:
        begin = _beginning(source)
        is_read = source.suffix == ".npy" if sources.zipped else False
        if not is_read and not idx.looks_like(begin) and (kind := kind_of(begin, source.name)):
            faults.add(source.name, kind.as_data())
    faults.raise_any()


def _beginning(source: Source) -> bytes:
    with source.open() as file:
        return file.read(SAMPLE_BYTES)


@dataclass(frozen=True)
class Prepared:
    """A dataset ready to be stored: the file of its arrays, and the content of its manifest.

    Attributes:
        content_key: The identity of the upload: equal for the same names, bytes and options.
        arrays_path: The file with the arrays, in the work directory.
    """

    content_key: str
    arrays_path: Path
    format: Format
    features: tuple[Feature, ...]
    splits: tuple[Split, ...]
    labels: tuple[str, ...] | None
    ranges: dict[str, dict[str, Range]]
    notices: tuple[str, ...] = ()

    def manifest(
        self,
        *,
        id: str,  # noqa: A002 - the field's name
        name: str | None,
        digest: str,
        size: int,
        created_at: datetime,
    ) -> StoredManifest:
        """The manifest of the dataset once it is stored.

        Args:
            id: The dataset's id.
            name: The dataset's name.
            digest: The digest of the stored arrays, `sha256:<hex>`.
            size: The size of the stored arrays in bytes.
            created_at: When the dataset was stored.
        """
        return StoredManifest(
            id=id,
            name=name,
            format=self.format,
            digest=digest,
            bytes=size,
            features=list(self.features),
            splits=list(self.splits),
            labels=None if self.labels is None else list(self.labels),
            notices=list(self.notices),
            created_at=created_at,
            ranges=self.ranges,
        )


def parse(upload: Upload, options: DatasetOptions, limits: DatasetLimits, workdir: Path) -> ParsedDataset:
    """Read an upload into named arrays, which are files in `workdir`.

    Raises:
        DatasetError: The upload or an option is at fault; every fault names the place.
        DatasetTooLargeError: The upload exceeds a limit.
    """
    with open_upload(upload, limits) as sources, Workspace(workdir) as workspace:
        format_ = options.format or recognise(sources)
        reader = READERS[format_]
        options.check_used(format_, reader.options)
        try:
            parsed = reader.parse(sources, options, limits, workspace)
        except DatasetTooLargeError:
            raise
        except DatasetError:
            if format_ != "images":
                refuse_foreign(sources)
            raise
    if sources.ignored:
        parsed = replace(parsed, notices=(*parsed.notices, ignored_notice(sources.ignored)))
    check_consistency(parsed, limits)
    parsed = replace(parsed, notices=(*parsed.notices, *class_notices(parsed)))
    if options.scale is not None and all(feature.dtype != "uint8" for feature in parsed.features):
        raise refuse("scale applies to features of uint8, and the dataset has none", "/scale")
    return parsed


def prepare(upload: Upload, options: DatasetOptions, limits: DatasetLimits, workdir: Path) -> Prepared:
    """Read an upload and write its arrays to a file.

    Args:
        upload: The files.
        options: How to read them.
        limits: The limits on the upload.
        workdir: A directory that the caller removes once the arrays are stored or this function has raised. Its files
            take about twice the unpacked size.

    Raises:
        DatasetError: The upload or an option is at fault; every fault names the place.
        DatasetTooLargeError: The upload exceeds a limit.
    """
    parsed = parse(upload, options, limits, workdir)
    path = workdir / "arrays.safetensors"
    write_arrays(parsed, path)
    return Prepared(
        content_key=upload.content_key(options),
        arrays_path=path,
        format=parsed.format,
        features=parsed.features,
        splits=tuple(
            Split(name=name, examples=len(next(iter(parsed.splits[name].values()))))
            for name in sorted(parsed.splits, key=_rank)
        ),
        labels=parsed.labels,
        ranges=value_ranges(parsed),
        notices=bounded((*parsed.notices, *scale_notices(parsed.format, parsed.features))),
    )


def _rank(split: str) -> tuple[int, str]:
    usual = ("train", "validation", "test")
    return (usual.index(split) if split in usual else len(usual), split)
