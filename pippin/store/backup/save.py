"""Makes a backup: first the records as of one moment, then every blob that they name, then the manifest.

A record names only blobs that were stored before it, and the backup blocks the sweeper. So every blob that the copied
records name still exists when it is copied.
"""

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pippin.blobs import BlobDamagedError, BlobMissingError, Blobs
from pippin.store import Store
from pippin.store.backup.folder import FORMAT, BackupManifest, Folder, ListedFile, Progress, Report, digests_in, encoded
from pippin.store.backup.hold import SweepHold
from pippin.store.errors import BackupError
from pippin.store.snapshot import Snapshot
from pippin.system.digests import digest_of


@dataclass(frozen=True)
class Saved:
    """The contents of a backup that was made.

    Attributes:
        keys: Number of keys of Redis that were written.
        blobs: Number of blobs of the backup.
        bytes: Total size of these blobs.
        copied: Number of blobs that were not in the folder before.
        missing: Digests of blobs that records name and that are missing or damaged in the store.
    """

    keys: int
    blobs: int
    bytes: int
    copied: int
    missing: tuple[str, ...]


def save(url: str, store: Store, blobs: Blobs, folder: Folder, report: Report, *, verify: bool = False) -> Saved:
    """Back up everything into a folder while jobs continue.

    A process that is killed half-way leaves the folder's previous backup unchanged, or an incomplete backup, which
    `restore` refuses.

    Args:
        url: The address of Redis, password included.
        store: The records in this Redis.
        blobs: The blob store to copy from.
        folder: The folder to back up into. Blobs that it already holds are not copied again.
        report: Called with the progress.
        verify: Whether to read the blobs that the folder already holds, and to copy damaged ones again.

    Raises:
        BackupError: The folder cannot be used, or another backup runs.
        StoreUnavailable, SnapshotError, BlobError: Redis or the blobs could not be read.
    """
    now = datetime.now(UTC)
    backup_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    with folder.opened_for_writing(), SweepHold(store.blob_ledger, "backup") as hold:
        try:
            snapshot = Snapshot(url)
            records, named = _save_records(folder, f"records-{backup_id}.jsonl.gz", snapshot, report)
            copier = _Copier(blobs, folder, report, verify=verify)
            listed = copier.copy(sorted(named), f"blobs-{backup_id}.txt.gz")
            # A missing blob counts only if a record still needs it: an ended job keeps the digest of its dataset.
            missing = tuple(sorted(copier.missing.intersection(store.references.digests()))) if copier.missing else ()
            hold.require()
            folder.write_manifest(
                BackupManifest(
                    format=FORMAT,
                    pippin=version("pippin"),
                    created_at=now.isoformat(timespec="seconds"),
                    moment=snapshot.moment,
                    records=records,
                    blobs=listed,
                    blob_bytes=copier.bytes,
                    missing=(*missing, *sorted(copier.damaged)),
                )
            )
            _remove_others(folder, named)
        except OSError as error:
            raise BackupError(f"{folder.path} cannot be written to: {error.strerror or error}") from error
    return Saved(records.lines, listed.lines, copier.bytes, copier.copied, (*missing, *sorted(copier.damaged)))


def _save_records(folder: Folder, name: str, snapshot: Snapshot, report: Report) -> tuple[ListedFile, set[bytes]]:
    named: set[bytes] = set()
    with folder.writing(name) as file:
        for copy in snapshot.copies():
            line = encoded(copy)
            named.update(digests_in(line))
            file.write(line)
            report(Progress("copying records", file.count))
    return folder.describe(name, file.count), named


class _Copier:
    """Copies blobs into a backup's folder."""

    def __init__(self, blobs: Blobs, folder: Folder, report: Report, *, verify: bool) -> None:
        self._blobs = blobs
        self._folder = folder
        self._report = report
        self._verify = verify
        self.bytes = 0
        self.copied = 0
        self.missing: set[str] = set()
        self.damaged: set[str] = set()

    def copy(self, digests: list[bytes], name: str) -> ListedFile:
        """Copy the blobs that the store has, and list them in the file `name`."""
        with self._folder.writing(name) as file:
            for number, each in enumerate(digests, start=1):
                size = self._copy(each.hex())
                if size is not None:
                    self.bytes += size
                    file.write(f"{each.hex()} {size}")
                self._report(Progress("copying blobs", number, len(digests), self.bytes))
        if self.copied:
            self._folder.sync_blobs()
        return self._folder.describe(name, file.count)

    def _copy(self, name: str) -> int | None:
        digest = f"sha256:{name}"
        size = self._blobs.head(digest)
        if size is None:
            self.missing.add(digest)
            return None
        path = self._folder.blob(name)
        if self._is_there(path, digest, size):
            return size
        self._folder.make_parent(name)
        try:
            self._blobs.fetch(digest, path)
        except BlobDamagedError:
            self.damaged.add(digest)
            return None
        except BlobMissingError:
            self.missing.add(digest)
            return None
        with path.open("rb") as file:
            os.fsync(file.fileno())
        self.copied += 1
        return size

    def _is_there(self, path: Path, digest: str, size: int) -> bool:
        try:
            if path.stat().st_size != size:
                return False
        except FileNotFoundError:
            return False
        return not self._verify or digest_of(path)[0] == digest


def _remove_others(folder: Folder, named: set[bytes]) -> None:
    """Remove blobs that only the folder's previous backup used, and files that a killed backup left."""
    for path in folder.stored_blobs():
        try:
            belongs = bytes.fromhex(path.name) in named
        except ValueError:
            belongs = False
        if not belongs:
            path.unlink()
