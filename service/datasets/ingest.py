"""Turns an upload on disk into a stored dataset. The record is stored last, so that no dataset is incomplete."""

from dataclasses import asdict, dataclass, replace
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
from service.sandbox import Cancellation, Sandbox, SandboxError, TaskRefused
from service.tasks.datasets import prepared_from

# A ZIP of 40 MB may unpack to 8 GB, which took four minutes on two busy cores. Small pictures take the longest to read
# per byte.
_BASE_SECONDS = 600.0
_MIN_BYTES_PER_SECOND = 250_000
# The decoder holds four copies of a picture. For the largest picture allowed, of 64 megapixels, a process of 1 GB was
# measured. Nothing else takes half as much; memory mapped from disk does not count.
_MEMORY_BYTES = 1536 * 2**20
_OPEN_FILES = 64


@dataclass(frozen=True)
class Ingestion:
    """Turns uploads into stored datasets.

    Attributes:
        store: Holds the records.
        blobs: Holds the arrays.
        sandbox: Reads the uploads.
        limits: The limits on the size of an upload.
    """

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
        cancellation: Cancellation,
        quota: ByteQuota | None = None,
        seconds: float | None = None,
    ) -> tuple[StoredManifest, bool]:
        """Store an upload as a dataset, unless the tenant has stored the same upload before.

        Args:
            upload: The files.
            options: How to read them.
            name: The name of the dataset.
            tenant: The owner of the dataset.
            folder: A scratch folder, which the caller removes.
            cancellation: Stops the reading when the client has disconnected.
            quota: The quota of the token that uploads, if it has one.
            seconds: How long the reading may take; None derives that from the upload's size.

        Returns:
            The dataset's manifest, and whether it is new.

        Raises:
            DatasetError: The upload or an option is at fault.
            SandboxError: The reading was stopped or crashed.
            NameTaken: Another dataset has the name.
            QuotaExceeded: The token has used up its quota.
            BlobError, StoreUnavailable: The dataset could not be stored.
        """
        prepared = self._prepare(upload, options, folder, cancellation, seconds)
        return self.store_prepared(prepared, name=name, tenant=tenant, quota=quota)

    def _prepare(
        self, upload: Upload, options: DatasetOptions, folder: Path, cancellation: Cancellation, seconds: float | None
    ) -> Prepared:
        """Read an upload in a process of its own, whose memory and time are limited."""
        files = [[file.name, str(file.path), file.digest, file.bytes] for file in upload.files]
        arguments = {
            "files": files,
            "options": options.model_dump(mode="json", exclude_unset=True),
            "limits": asdict(self.limits),
            "folder": str(folder),
        }
        max_seconds = _BASE_SECONDS + upload.bytes / _MIN_BYTES_PER_SECOND
        try:
            answer = self.sandbox.run(
                "prepare_dataset",
                arguments,
                seconds=max_seconds if seconds is None else min(max_seconds, seconds),
                memory_bytes=_MEMORY_BYTES,
                open_files=_OPEN_FILES + self.limits.max_arrays,
                cancellation=cancellation,
            )
        except TaskRefused as error:
            kind = DatasetTooLargeError if error.kind == DatasetTooLargeError.__name__ else DatasetError
            raise kind(error.faults) from None
        reported = prepared_from(answer.document)
        # An upload may have taken over the process that read it. So the service itself computes the content key, and
        # stores no file outside the folder of the upload, to which a link may lead.
        arrays_path = reported.arrays_path.resolve()
        if not arrays_path.is_relative_to(folder.resolve()):
            raise SandboxError("crashed", "the process that read the upload named a file outside its folder")
        return replace(reported, arrays_path=arrays_path, content_key=upload.content_key(options))

    def store_prepared(
        self, prepared: Prepared, *, name: str, tenant: str, quota: ByteQuota | None = None
    ) -> tuple[StoredManifest, bool]:
        """Store a prepared dataset. Arguments, result and errors are those of `ingest`."""
        if quota:
            size = prepared.arrays_path.stat().st_size
            self.store.datasets.require_space(tenant, name, prepared.content_key, size, quota)
        digest, size = self.blobs.put_file(prepared.arrays_path)
        manifest = prepared.manifest(id=new_id("ds"), name=name, digest=digest, size=size, created_at=datetime.now(UTC))
        return self.store.datasets.create(tenant, manifest, prepared.content_key, quota)


def limits_of(settings: Settings) -> DatasetLimits:
    """The limits on datasets in the settings."""
    return DatasetLimits(
        max_bytes=settings.max_dataset_bytes,
        max_unpacked_bytes=settings.max_dataset_unpacked_bytes,
        max_examples=settings.max_dataset_examples,
        max_classes=settings.max_dataset_classes,
        max_label_characters=settings.max_label_characters,
        max_labels_bytes=settings.max_labels_bytes,
    )
