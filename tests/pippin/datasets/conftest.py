from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pippin.datasets.arrays import open_arrays
from pippin.datasets.errors import DatasetError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import prepare
from pippin.datasets.upload import Upload, spool
from pippin.system.digests import digest_of
from tests.pippin.datasets.samples import Dataset, Details, Refusal, Store

Files = Mapping[str, bytes]
DEFAULT = DatasetLimits()


@pytest.fixture
def send(tmp_path: Path) -> Callable[[Files], Upload]:
    def send(files: Files) -> Upload:
        folder = tmp_path / "sent"
        folder.mkdir(exist_ok=True)
        begin = len(list(folder.iterdir()))
        return Upload(
            tuple(
                spool([content], folder / str(begin + at), name=name, limit=2**30)
                for at, (name, content) in enumerate(files.items())
            )
        )

    return send


@pytest.fixture
def store(tmp_path: Path, send: Callable[[Files], Upload]) -> Store:
    """Stores files as a dataset and reads the dataset back."""

    def store(files: Files, limits: DatasetLimits = DEFAULT, **options: str) -> Dataset:
        workdir = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        workdir.mkdir()
        prepared = prepare(send(files), DatasetOptions.from_query(options), limits, workdir)
        digest, size = digest_of(prepared.arrays_path)
        manifest = prepared.manifest(
            id="ds_1", name="name", digest=digest, size=size, created_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        return Dataset(manifest, open_arrays(prepared.arrays_path))

    return store


@pytest.fixture
def refused(store: Store) -> Callable[..., DatasetError]:
    """The error with which files are refused; never any other than a DatasetError."""

    def refused(files: Files, limits: DatasetLimits = DEFAULT, **options: str) -> DatasetError:
        with pytest.raises(DatasetError) as raised:
            store(files, limits, **options)
        assert all(fault.detail for fault in raised.value.faults)
        return raised.value

    return refused


@pytest.fixture
def refusal(refused: Callable[..., DatasetError]) -> Refusal:
    """The message with which files are refused."""
    return lambda *files, **options: str(refused(*files, **options))


@pytest.fixture
def details(refused: Callable[..., DatasetError]) -> Details:
    """The sentences with which files are refused, one for each fault."""
    return lambda *files, **options: [fault.detail for fault in refused(*files, **options).faults]
