"""From an upload to what is stored of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pippin.api.datasets import Feature, Format, Range, Split, StoredManifest
from pippin.datasets.agreement import check_agreement
from pippin.datasets.arrays import write_arrays
from pippin.datasets.class_notices import class_notices
from pippin.datasets.companions import ignored_notice
from pippin.datasets.errors import DatasetError, DatasetTooLargeError, refuse
from pippin.datasets.formats import READERS, recognise, refuse_foreign
from pippin.datasets.growing import Workspace
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.measure import measure
from pippin.datasets.notices import bounded
from pippin.datasets.options import DatasetOptions
from pippin.datasets.parsed import ParsedDataset, scale_notices
from pippin.datasets.sources import open_upload
from pippin.datasets.upload import Upload
from pippin.system.digests import digest_of


@dataclass(frozen=True)
class Prepared:
    """A dataset ready to be stored: its arrays as a file, and all of its manifest but who it is.

    Attributes:
        content_key: Equal for uploads of the same names, bytes and options.
        arrays_path: The stored form, in the work directory.
        digest: `sha256:<hex>` of that file.
        bytes: Its size.
    """

    content_key: str
    arrays_path: Path
    digest: str
    bytes: int
    format: Format
    features: tuple[Feature, ...]
    splits: tuple[Split, ...]
    labels: tuple[str, ...] | None
    ranges: dict[str, dict[str, Range]]
    notices: tuple[str, ...] = ()

    def manifest(self, *, id: str, name: str | None, created_at: datetime) -> StoredManifest:  # noqa: A002  # its name
        """The manifest, under this id and name."""
        return StoredManifest(
            id=id,
            name=name,
            format=self.format,
            digest=self.digest,
            bytes=self.bytes,
            features=list(self.features),
            splits=list(self.splits),
            labels=None if self.labels is None else list(self.labels),
            notices=list(self.notices),
            created_at=created_at,
            ranges=self.ranges,
        )


def parse(upload: Upload, options: DatasetOptions, limits: DatasetLimits, workdir: Path) -> ParsedDataset:
    """Reads an upload into named arrays, which lie in files of `workdir`.

    Raises:
        DatasetError: The upload or an option is at fault; every fault says where.
        DatasetTooLargeError: It passes a limit.
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
    check_agreement(parsed, limits)
    parsed = replace(parsed, notices=(*parsed.notices, *class_notices(parsed)))
    if options.scale is not None and all(feature.dtype != "uint8" for feature in parsed.features):
        raise refuse("there is nothing to scale: a scale is for images of uint8, and no feature is one", "/scale")
    return parsed


def prepare(upload: Upload, options: DatasetOptions, limits: DatasetLimits, workdir: Path) -> Prepared:
    """Reads an upload and writes its stored form.

    Args:
        upload: What was sent.
        options: How to read it.
        limits: How large it may be.
        workdir: A directory of the caller's, who removes it when the blob is stored or this has raised. It takes about
            twice the unpacked size.

    Raises:
        DatasetError: The upload or an option is at fault; every fault says where.
        DatasetTooLargeError: It passes a limit.
    """
    parsed = parse(upload, options, limits, workdir)
    path = workdir / "arrays.safetensors"
    write_arrays(parsed, path)
    digest, size = digest_of(path)
    return Prepared(
        content_key=upload.content_key(options),
        arrays_path=path,
        digest=digest,
        bytes=size,
        format=parsed.format,
        features=parsed.features,
        splits=tuple(
            Split(name=name, examples=len(next(iter(parsed.splits[name].values()))))
            for name in sorted(parsed.splits, key=_rank)
        ),
        labels=parsed.labels,
        ranges=measure(parsed),
        notices=bounded((*parsed.notices, *scale_notices(parsed.format, parsed.features))),
    )


def _rank(split: str) -> tuple[int, str]:
    usual = ("train", "validation", "test")
    return (usual.index(split) if split in usual else len(usual), split)
