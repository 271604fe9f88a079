"""From an upload on disk to a stored dataset: its arrays first, its record last, so that nothing is half-stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pippin.api.datasets import StoredManifest
from pippin.blobs import Blobs
from pippin.datasets.errors import DatasetError, DatasetTooLargeError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import Prepared
from pippin.datasets.upload import Upload
from pippin.ids import new_id
from pippin.settings import Settings
from pippin.store import ByteQuota, Store
from pippin.system.scratch import scratch_folder, sweep
from service.sandbox import Abandonment, Sandbox, TaskRefused
from service.tasks.prepare_dataset import prepared_from

# A ZIP of 40 MB may unpack to 8 GB, which took four minutes on two busy cores; small pictures are the slowest to read
# for their size.
_BASE_SECONDS = 600.0
_SLOWEST_BYTES_A_SECOND = 250_000
# The largest picture that is allowed, of 64 megapixels, is held four times over while it is decoded: a process of 1 GB
# was measured. Nothing else takes half as much; what is mapped from disk does not count.
_MEMORY_BYTES = 1536 * 2**20
_OPEN_FILES = 64


@dataclass(frozen=True)
class Ingestion:
    """What turns uploads into datasets."""

    store: Store
    blobs: Blobs
    sandbox: Sandbox
    limits: DatasetLimits

    def ingest(
        self,
        upload: Upload,
        options: DatasetOptions,
        *,
        name: str,
        tenant: str,
        folder: Path,
        abandonment: Abandonment,
        quota: ByteQuota | None = None,
        seconds: float | None = None,
    ) -> tuple[StoredManifest, bool]:
        """Store an upload as a dataset, unless the same one is there already.

        Args:
            upload: The files.
            options: How to read them.
            name: Under which the dataset is known from then on.
            tenant: Whose it will be.
            folder: Room to work in, which the caller empties.
            abandonment: Ends the reading when nobody waits for it any more.
            quota: What the token that uploaded it may use, if that is limited.
            seconds: How long reading it may take; None leaves that to its size.

        Returns:
            The dataset's manifest, and whether it is new.

        Raises:
            DatasetError: The upload or an option is at fault.
            SandboxError: Reading it came to no answer.
            NameTaken: Another dataset has the name.
            QuotaExceeded: The token has used up its quota.
            BlobError, StoreUnavailable: It could not be stored.
        """
        prepared = self._prepare(upload, options, folder, abandonment, seconds)
        return self.keep(prepared, name=name, tenant=tenant, quota=quota)

    def _prepare(
        self, upload: Upload, options: DatasetOptions, folder: Path, abandonment: Abandonment, seconds: float | None
    ) -> Prepared:
        """The upload read in a process of its own, whose memory and time are limited."""
        files = [[file.name, str(file.path), file.digest, file.bytes] for file in upload.files]
        arguments = {
            "files": files,
            "options": options.model_dump(mode="json", exclude_unset=True),
            "limits": asdict(self.limits),
            "folder": str(folder),
        }
        usual = _BASE_SECONDS + upload.bytes / _SLOWEST_BYTES_A_SECOND
        try:
            answer = self.sandbox.run(
                "prepare_dataset",
                arguments,
                seconds=min(usual, usual if seconds is None else seconds),
                memory_bytes=_MEMORY_BYTES,
                open_files=_OPEN_FILES + self.limits.max_arrays,
                abandonment=abandonment,
            )
        except TaskRefused as error:
            kind = DatasetTooLargeError if error.kind == DatasetTooLargeError.__name__ else DatasetError
            raise kind(error.faults) from None
        return prepared_from(answer.document)

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
        max_classes=settings.max_dataset_classes,
        max_label_characters=settings.max_label_characters,
        max_labels_bytes=settings.max_labels_bytes,
    )


@contextmanager
def workroom(settings: Settings) -> Iterator[Path]:
    """An empty folder on the disk of PIPPIN_HOME, gone afterwards. The system's own may be in memory."""
    with scratch_folder(_rooms(settings)) as folder:
        yield folder


def sweep_workrooms(settings: Settings) -> None:
    """Remove what a service that was killed left behind."""
    sweep(_rooms(settings))


def _rooms(settings: Settings) -> Path:
    return settings.home / "uploads"
