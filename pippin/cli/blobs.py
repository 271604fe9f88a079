"""`pippin blobs`: lists, ownership, deletion and recovery of blobs. It accesses the blob store directly."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import figures, output
from pippin.cli.errors import CommandError, Exit
from pippin.cli.store_access import opened_store
from pippin.cli.tables import Column

if TYPE_CHECKING:
    from pippin.blobs import BlobEntry, Blobs
    from pippin.settings import Settings
    from pippin.store import Store

commands = typer.Typer(
    help="List blobs, show which Redis owns them, and recover lost ones.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Yes = Annotated[bool, typer.Option("--yes", help="Apply the changes; without this option, only print them.")]


@commands.command("list")
def list_blobs(
    unnamed: Annotated[bool, typer.Option("--unnamed", help="Only blobs that no record names.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Maximum number of blobs, newest first.")] = 100,
    json_: output.JsonFlag = False,
) -> None:
    """List blobs, newest first, each with its kind as its first bytes show it."""
    from pippin.cli.blob_kinds import kind_of

    with _opened_stores() as (_, store, blobs):
        orphans = {blob.digest for blob in _unnamed(store, blobs)}
        total = sum(1 for _ in blobs.names())
        newest = nlargest(
            limit,
            (blob for blob in blobs.entries() if not unnamed or blob.digest in orphans),
            key=lambda blob: (blob.modified, blob.digest),
        )
        rows = [(blob, kind_of(blobs, blob)) for blob in newest]
    if json_:
        output.print_json(
            [
                {
                    "digest": blob.digest,
                    "bytes": blob.bytes,
                    "modified": blob.modified.isoformat(),
                    "kind": kind,
                    "named": blob.digest not in orphans,
                }
                for blob, kind in rows
            ]
        )
        return
    output.table(
        [Column("DIGEST", "id"), Column("KIND"), Column("SIZE", "number"), Column("PUT"), Column("NAMED")],
        [
            (
                blob.digest,
                kind,
                figures.size(blob.bytes),
                figures.ago(blob.modified),
                "no" if blob.digest in orphans else "yes",
            )
            for blob, kind in rows
        ],
    )
    output.print_text(
        f"{len(rows):,} of {figures.counted(total, 'blob')}, {len(orphans):,} of them named by no record."
    )


@commands.command()
def adopt(yes: Yes = False, json_: output.JsonFlag = False) -> None:
    """Make this Redis the owner of the blob store, so that the sweeper deletes blobs that its records do not name."""
    from pippin.store.blob_ownership import BlobOwnership

    with _opened_stores() as (settings, store, blobs):
        ownership = BlobOwnership(store, blobs)
        verdict = ownership.inspect()
        orphans = _BlobTotal()
        for blob in _unnamed(store, blobs):
            orphans.add(blob)
        if yes and verdict.refusal:
            ownership.adopt()
    if json_:
        output.print_json(
            {
                "adopted": yes and verdict.refusal is not None,
                "was": verdict.refusal,
                "unnamed": orphans.count,
                "unnamed_bytes": orphans.bytes,
            }
        )
        return
    if verdict.refusal is None:
        output.print_text("This Redis already owns the blob store.")
        return
    output.print_text(f"{verdict.detail[0].upper()}{verdict.detail[1:]}.")
    if not yes:
        output.print_text(f"With --yes this Redis becomes the owner. Its records name all blobs except {orphans.text}.")
        return
    output.print_text(
        f"This Redis owns the blob store now. Its records do not name {orphans.text}; the service deletes those that "
        f"were not stored within the last {figures.duration(settings.sweep_grace_seconds)}, within the limits of one "
        "sweep."
    )


@commands.command()
def sweep(yes: Yes = False, json_: output.JsonFlag = False) -> None:
    """Let the next sweep of the service delete the blobs that no record names, however many they are.

    It deletes those that have not been put for PIPPIN_SWEEP_GRACE_SECONDS. The approval ends with that, or after a day.
    """
    from pippin.store.blob_ownership import BlobOwnership

    with _opened_stores() as (settings, store, blobs):
        verdict = BlobOwnership(store, blobs).inspect()
        if verdict.refusal:
            raise CommandError(Exit.REFUSED, f"{verdict.detail[0].upper()}{verdict.detail[1:]}.")
        since = datetime.now(UTC) - timedelta(seconds=settings.sweep_grace_seconds)
        orphans = _BlobTotal()
        for blob in _unnamed(store, blobs):
            if blob.modified < since:
                orphans.add(blob)
        if yes and orphans.count:
            store.blob_ledger.approve(orphans.count)
    if json_:
        output.print_json({"approved": yes, "unnamed": orphans.count, "unnamed_bytes": orphans.bytes})
    elif not orphans.count:
        output.print_text(
            "A sweep would delete nothing: it keeps blobs that a record names, and blobs that were stored less than "
            f"{figures.duration(settings.sweep_grace_seconds)} ago."
        )
    elif yes:
        output.print_text(
            f"The service deletes {orphans.text} at its second sweep from now, one every "
            f"{figures.duration(settings.sweep_interval_seconds)}."
        )
    else:
        output.print_text(
            f"A sweep would delete {orphans.text}, which no record names. With --yes the service deletes them."
        )


@commands.command()
def recover(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The digest, as in `pippin blobs list`.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the dataset or model.")],
    scale: Annotated[
        float | None, typer.Option(metavar="N", help="Datasets: factor for uint8 values. [default: 1/255]")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Upload a blob whose record was lost as a dataset or a model again, through the service at PIPPIN_URL.

    Class names and the tenant were in the record, and are lost with it. A checkpoint belongs to a job and cannot be
    uploaded.
    """
    from pippin.blobs import BlobEntry, Blobs
    from pippin.cli.blob_kinds import BlobKind, kind_of, to_upload
    from pippin.client import Client
    from pippin.datasets.errors import DatasetError
    from pippin.settings import Settings

    blobs = Blobs(Settings().blobs_url)
    size = blobs.head(digest)
    if size is None:
        raise CommandError(Exit.REFUSED, f"There is no blob {digest}.", now="List all blobs with `pippin blobs list`.")
    kind = kind_of(blobs, BlobEntry(digest, size, datetime.now(UTC)))
    if kind not in {BlobKind.DATASET, BlobKind.MODEL}:
        what = "is a checkpoint" if kind is BlobKind.CHECKPOINT else "holds neither a dataset nor a model"
        raise CommandError(Exit.REFUSED, f"The blob {digest} {what}: it cannot be uploaded.")
    with TemporaryDirectory(prefix="pippin-") as folder, Client() as client:
        copy = Path(folder, "blob")
        blobs.fetch(digest, copy)
        try:
            file = to_upload(kind, copy, Path(folder))
        except DatasetError as error:
            raise CommandError(Exit.REFUSED, f"The blob {digest} cannot be used: {error}.") from error
        if kind is BlobKind.DATASET:
            options = {} if scale is None else {"scale": repr(scale)}
            record_id = client.add_dataset(name, [file], options=options).id
        else:
            record_id = client.add_model(file, name=name).id
    if json_:
        output.print_json({"kind": kind, "id": record_id, "name": name})
    else:
        output.print_text(f"{record_id}: the {kind} {name}.")


class _BlobTotal:
    """The number of blobs, and their total size."""

    def __init__(self) -> None:
        self.count = self.bytes = 0

    def add(self, blob: "BlobEntry") -> None:
        self.count += 1
        self.bytes += blob.bytes

    @property
    def text(self) -> str:
        return f"{figures.counted(self.count, 'blob')} of {figures.size(self.bytes)}"


def _unnamed(store: "Store", blobs: "Blobs") -> Iterator["BlobEntry"]:
    from pippin.store.blob_ownership import unnamed

    return unnamed(blobs.entries(), store.references)


@contextmanager
def _opened_stores() -> Iterator[tuple["Settings", "Store", "Blobs"]]:
    from pippin.blobs import BlobError, Blobs
    from pippin.settings import Settings

    settings = Settings()
    with opened_store() as store:
        try:
            yield settings, store, Blobs(settings.blobs_url)
        except BlobError as error:
            raise CommandError(
                Exit.UNREACHABLE, f"{error}.", now="The blob store is set by PIPPIN_BLOBS_URL."
            ) from error
