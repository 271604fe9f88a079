"""What the service adopts from the report of the sandboxed process, and what it computes itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from pippin.api.datasets import StoredManifest
from pippin.api.tokens import DEFAULT_TENANT
from pippin.blobs import Blobs
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.upload import Upload
from pippin.ids import new_id
from pippin.store import Store
from pippin.system.digests import digest_of
from service.datasets.ingest import Ingestion
from service.sandbox import Answer, Cancellation, Sandbox, SandboxError
from service.tasks.datasets import prepare_dataset

Report = dict[str, Any]
Ingest = Callable[[Callable[[Report], None]], StoredManifest]


class _InProcess:
    """A sandbox whose task runs in this process, and whose report a test can change."""

    def __init__(self, change: Callable[[Report], None]) -> None:
        self._change = change

    def run(self, _: str, arguments: Report, **__: object) -> Answer:
        report = cast("Report", prepare_dataset(**arguments))
        self._change(report)
        return Answer(report, b"")


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "blobs").as_uri())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("x,label\n1,0\n2,1\n")
    return path


@pytest.fixture
def ingest(tmp_path: Path, store: Store, blobs: Blobs, table: Path) -> Ingest:
    """Stores the table after a change to the report of the sandboxed process."""

    def ingest(change: Callable[[Report], None]) -> StoredManifest:
        folder = tmp_path / "upload"
        folder.mkdir()
        ingestion = Ingestion(store, blobs, cast("Sandbox", _InProcess(change)), DatasetLimits())
        manifest, _ = ingestion.ingest(
            Upload.of(table),
            DatasetOptions(),
            name="table",
            tenant=DEFAULT_TENANT,
            folder=folder,
            cancellation=Cancellation(),
        )
        return manifest

    return ingest


def test_recorded_digest_is_computed_from_the_stored_blob(ingest: Ingest, blobs: Blobs) -> None:
    changed: list[tuple[str, int]] = []

    def append(report: Report) -> None:
        path = Path(report["arrays_path"])
        with path.open("ab") as file:
            file.write(b"more")
        changed.append(digest_of(path))
        report |= {"digest": f"sha256:{'0' * 64}", "bytes": 1}

    manifest = ingest(append)
    assert [(manifest.digest, manifest.bytes)] == changed
    assert blobs.head(manifest.digest) == manifest.bytes


def test_content_key_is_computed_by_the_service(ingest: Ingest, store: Store, table: Path) -> None:
    def forge(report: Report) -> None:
        report["content_key"] = f"sha256:{'0' * 64}"

    manifest = ingest(forge)
    other = manifest.model_copy(update={"id": new_id("ds")})
    again, is_new = store.datasets.create(DEFAULT_TENANT, other, Upload.of(table).content_key(DatasetOptions()))
    assert (again.id, is_new) == (manifest.id, False)


@pytest.mark.parametrize("how", ["path", "link"])
def test_file_outside_the_upload_folder_is_not_stored(how: str, ingest: Ingest, store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")

    def lead_out(report: Report) -> None:
        if how == "path":
            report["arrays_path"] = str(secret)
        else:
            path = Path(report["arrays_path"])
            path.unlink()
            path.symlink_to(secret)

    with pytest.raises(SandboxError, match="outside its folder"):
        ingest(lead_out)
    assert store.datasets.get(DEFAULT_TENANT, "table") is None
