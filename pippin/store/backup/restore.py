"""Restores a backup: verifies all of it, stores the blobs, then replaces the records in one step."""

from collections.abc import Iterator
from dataclasses import dataclass

from pippin.blobs import Blobs
from pippin.store import Refusal
from pippin.store.backup.folder import BackupManifest, Folder, Progress, Report, decoded
from pippin.store.backup.hold import SweepHold
from pippin.store.blob_ownership import BlobOwnership
from pippin.store.errors import BackupError
from pippin.store.restoring import Restoring
from pippin.store.snapshot import KeyCopy
from pippin.system.digests import digest_of


@dataclass(frozen=True)
class Restored:
    """What was restored.

    Attributes:
        created_at: Time of the backup, ISO 8601.
        keys: Number of keys of records in Redis after the restore.
        blobs: Number of blobs stored.
        bytes: Total size of these blobs.
        given_back: Number of jobs that were being trained and are queued again.
        refusal: Why the sweeper will delete no blobs until the store is adopted; None when it may.
        missing: Digests of blobs that records name and that the backup does not have.
    """

    created_at: str
    keys: int
    blobs: int
    bytes: int
    given_back: int
    refusal: Refusal | None
    missing: tuple[str, ...]


def restore(url: str, blobs: Blobs, folder: Folder, report: Report, *, replace: bool = False) -> Restored:
    """Restore a backup into a Redis and a blob store.

    A process that is killed before the records are replaced has changed no record and can be started again; no record
    names the blobs that it has stored. A process that is killed afterwards has restored everything.

    Args:
        url: The address of Redis, password included.
        blobs: The blob store to restore into.
        folder: The backup's folder.
        report: Called with the progress.
        replace: Whether existing records may be replaced, and whether the store may hold other blobs. These blobs stay.

    Raises:
        BackupError: The folder holds no complete, undamaged backup, or the target is not empty; nothing changed.
        StoreUnavailable, BlobError: Redis or the blobs could not be written to; no record has changed.
    """
    manifest = folder.manifest()
    _verify(folder, manifest, report)
    restoring = Restoring(url)
    try:
        with SweepHold(restoring.store.blob_ledger, "restore") as hold:
            restoring.clear()
            alone = _holds_no_other(blobs, folder, manifest)
            if not replace:
                _require_empty(restoring, alone=alone)
            for number, (name, _) in enumerate(_listed(folder, manifest), start=1):
                blobs.put_file(folder.blob(name))
                report(Progress("storing blobs", number, manifest.blobs.lines))
            try:
                restoring.stage(_copies(folder, manifest, report))
                hold.require()
                ownership = BlobOwnership(restoring.store, blobs)
                if not alone:
                    restoring.store.blob_ledger.close(
                        f"a backup of {manifest.created_at} was restored, and the blob store has blobs that are not "
                        "in it"
                    )
                restoring.replace()
            except BaseException:
                restoring.clear()
                raise
            keys = restoring.count()
            given_back = restoring.settle(manifest.moment)
            # Every blob in the store is from the backup.
            if alone and ownership.inspect().refusal is Refusal.UNCLAIMED:
                ownership.adopt()
            refusal = ownership.inspect().refusal
    finally:
        restoring.close()
    blob_count = manifest.blobs.lines
    return Restored(manifest.created_at, keys, blob_count, manifest.blob_bytes, given_back, refusal, manifest.missing)


def _verify(folder: Folder, manifest: BackupManifest, report: Report) -> None:
    """Verify every file and blob of the backup, before anything is changed.

    Raises:
        BackupError: A file is missing or damaged.
    """
    for listed in (manifest.records, manifest.blobs):
        folder.verify(listed)
    for number, (name, size) in enumerate(_listed(folder, manifest), start=1):
        path = folder.blob(name)
        try:
            intact = digest_of(path) == (f"sha256:{name}", size)
        except FileNotFoundError:
            raise BackupError(f"{folder.path} is incomplete: the blob {name} is missing") from None
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}") from error
        if not intact:
            raise BackupError(f"{path} is damaged: its SHA-256 is not its name; nothing was restored")
        report(Progress("verifying the backup", number, manifest.blobs.lines))


def _holds_no_other(blobs: Blobs, folder: Folder, manifest: BackupManifest) -> bool:
    """Whether every blob in the store belongs to the backup."""
    of_backup = {bytes.fromhex(name) for name, _ in _listed(folder, manifest)}
    return all(bytes.fromhex(digest.removeprefix("sha256:")) in of_backup for digest in blobs.names())


def _require_empty(restoring: Restoring, *, alone: bool) -> None:
    advice = "empty it, name another, or use --replace to replace the records; no blob is deleted"
    if not restoring.is_empty():
        raise BackupError(f"Redis already has records: {advice}")
    if not alone:
        raise BackupError(f"the blob store has blobs that are not in the backup: {advice}")


def _listed(folder: Folder, manifest: BackupManifest) -> Iterator[tuple[str, int]]:
    """Name and size of every blob of the backup."""
    for line in folder.lines(manifest.blobs):
        name, _, size = line.strip().partition(" ")
        if len(name) != 64 or not size.isdecimal():
            raise BackupError(f"{manifest.blobs.name} has a line that names no blob")
        yield name, int(size)


def _copies(folder: Folder, manifest: BackupManifest, report: Report) -> Iterator[KeyCopy]:
    for number, line in enumerate(folder.lines(manifest.records), start=1):
        yield decoded(line)
        report(Progress("writing records", number, manifest.records.lines))
