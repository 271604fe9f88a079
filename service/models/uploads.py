"""From an upload on disk to a stored model: its file first, its record last, so that nothing is half-stored."""

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
    """What turns uploads into models.

    Attributes:
        store: Keeps the records.
        blobs: Keeps the files.
        files: Reads what was sent.
        most_bytes: The largest model that is kept.
        quota: What the token that uploads may use, if that is limited.
    """

    store: Store
    blobs: Blobs
    files: ModelFiles
    most_bytes: int
    quota: ByteQuota | None = None

    def keep(
        self, sent: UploadedFile, kind: Kind, *, name: str | None, tenant: str, folder: Path
    ) -> tuple[StoredModel, bool]:
        """Store what was sent as a model, unless the same one is there already.

        Args:
            sent: A model's file, or a document that describes one.
            kind: Which of them it is.
            name: Under which the model is known from then on.
            tenant: Whose it will be.
            folder: Room to work in, which the caller empties.

        Returns:
            The model's record, and whether it is new.

        Raises:
            TaskRefused, SandboxError: The sandbox refused it, or came to no answer.
            Problem: 400 for a document that is none, 422 for a model that is too large.
            NameTaken: Another model has the name.
            QuotaExceeded: The token has used up its quota.
            BlobError, StoreUnavailable: It could not be stored.
        """
        if kind == "mlmodel":
            file, source, inspection = sent.path, "mlmodel", self.files.inspect(sent.path, sent.name)
        else:
            file = folder / "built.mlmodel"
            built = self.files.build(sent.path, kind, file)
            source, inspection = built.source, built.inspection
        size = file.stat().st_size
        if size > self.most_bytes:
            raise invalid([Fault("", f"the model takes {size:,} bytes; needs at most {self.most_bytes:,}")])
        if self.quota:
            self.store.models.require_room(tenant, name, digest_of(file)[0], size, self.quota)
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
