"""Turns an upload on disk into a stored model. The record is stored last, so that no model is incomplete."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pippin.blobs import Blobs
from pippin.datasets.upload import UploadedFile
from pippin.errors import Fault
from pippin.ids import new_id
from pippin.models.record import StoredModel
from pippin.store import ByteQuota, Store
from pippin.system.digests import digest_of
from service.models.files import Language, ModelFiles
from service.problems import invalid

Kind = Literal["mlmodel"] | Language


@dataclass(frozen=True)
class ModelUploads:
    """Turns uploads into stored models.

    Attributes:
        store: Holds the records.
        blobs: Holds the files.
        files: Reads the uploads.
        max_bytes: The largest size of a model.
        quota: The quota of the token that uploads, if it has one.
    """

    store: Store
    blobs: Blobs
    files: ModelFiles
    max_bytes: int
    quota: ByteQuota | None = None

    def store_upload(
        self, sent: UploadedFile, kind: Kind, *, name: str | None, tenant: str, folder: Path
    ) -> tuple[StoredModel, bool]:
        """Store an upload as a model, unless the same model is stored already.

        Args:
            sent: The file of a model, or a document that describes one.
            kind: The kind of the upload.
            name: The name of the model, if it gets one.
            tenant: The owner of the model.
            folder: A scratch folder, which the caller removes.

        Returns:
            The model's record, and whether it is new.

        Raises:
            TaskRefused, SandboxError: The task refused the upload, or ended without an answer.
            Problem: 400 for a document that cannot be parsed, 422 for a model that is too large.
            NameTaken: Another model has the name.
            QuotaExceeded: The token has used up its quota.
            BlobError, StoreUnavailable: The model could not be stored.
        """
        if kind == "mlmodel":
            file, source, inspection = sent.path, "mlmodel", self.files.inspect(sent.path, sent.name)
        else:
            file = folder / "built.mlmodel"
            built = self.files.build(sent.path, kind, file)
            source, inspection = built.source, built.inspection
        size = file.stat().st_size
        if size > self.max_bytes:
            raise invalid([Fault("", f"the model takes {size:,} bytes; needs at most {self.max_bytes:,}")])
        if self.quota:
            self.store.models.require_space(tenant, name, digest_of(file)[0], size, self.quota)
        digest, size = self.blobs.put_file(file)
        record = StoredModel(
            id=new_id("model"),
            name=name,
            source=source,
            digest=digest,
            bytes=size,
            created_at=datetime.now(UTC),
            **dict(inspection),
        )
        return self.store.models.create(tenant, record, digest, self.quota)
