"""From an upload on disk to a stored dataset: its arrays first, its record last, so that nothing is half-stored."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pippin.blobs import Blobs
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.manifest import StoredManifest
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import Prepared, prepare
from pippin.datasets.upload import Upload
from pippin.jobs.ids import new_id
from pippin.settings import Settings
from pippin.store import ByteQuota, Store

_ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Ingestion:
    """What turns uploads into datasets."""

    store: Store
    blobs: Blobs
    limits: DatasetLimits

    def ingest(
        self,
        upload: Upload,
        options: DatasetOptions,
        *,
        name: str,
        tenant: str,
        folder: Path,
        quota: ByteQuota | None = None,
    ) -> tuple[StoredManifest, bool]:
        """Store an upload as a dataset, unless the same one is there already.

        Args:
            upload: The files.
            options: How to read them.
            name: Under which the dataset is known from then on.
            tenant: Whose it will be.
            folder: Room to work in, which the caller empties.
            quota: What the token that uploaded it may use, if that is limited.

        Returns:
            The dataset's manifest, and whether it is new.

        Raises:
            DatasetError: The upload or an option is at fault.
            NameTaken: Another dataset has the name.
            QuotaExceeded: The token has used up its quota.
            BlobError, StoreUnavailable: It could not be stored.
        """
        return self.keep(prepare(upload, options, self.limits, folder), name=name, tenant=tenant, quota=quota)

    def keep(
        self, prepared: Prepared, *, name: str, tenant: str, quota: ByteQuota | None = None
    ) -> tuple[StoredManifest, bool]:
        """Store what was prepared, as `ingest` does."""
        if quota:
            size = prepared.arrays_path.stat().st_size
            self.store.datasets.require_room(tenant, name, prepared.content_key, size, quota)
        self.blobs.put_file(prepared.arrays_path)
        manifest = prepared.manifest(id=new_id("ds"), name=name, created_at=datetime.now(UTC))
        return self.store.datasets.create(tenant, manifest, prepared.content_key, quota)


def limits_of(settings: Settings) -> DatasetLimits:
    """The limits on datasets that the settings ask for."""
    return DatasetLimits(
        max_bytes=settings.max_dataset_bytes,
        max_unpacked_bytes=settings.max_dataset_unpacked_bytes,
        max_examples=settings.max_dataset_examples,
    )


@contextmanager
def workroom(settings: Settings) -> Iterator[Path]:
    """An empty folder on the disk of PIPPIN_HOME, gone afterwards. The system's own may be in memory."""
    room = _rooms(settings)
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=room) as folder:
        yield Path(folder)


def sweep_workrooms(settings: Settings) -> None:
    """Remove what a service that was killed left behind; another one may be using what is younger than a day."""
    for folder in _rooms(settings).glob("*"):
        if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _rooms(settings: Settings) -> Path:
    return settings.home / "uploads"
