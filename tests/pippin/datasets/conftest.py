import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.api.datasets import StoredManifest
from pippin.datasets.arrays import open_arrays
from pippin.datasets.errors import DatasetError
from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import prepare
from pippin.datasets.upload import Upload, spool
from pippin.system.digests import digest_of

Files = Mapping[str, bytes]
DEFAULT = DatasetLimits()


@dataclass(frozen=True)
class Dataset:
    manifest: StoredManifest
    arrays: Mapping[str, NDArray[Any]]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: array.shape for name, array in self.arrays.items()}

    def feature(self, name: str) -> tuple[tuple[int, ...], str, float]:
        (found,) = (feature for feature in self.manifest.features if feature.name == name)
        return found.shape, found.dtype, found.scale


class Store(Protocol):
    def __call__(self, files: Files, limits: DatasetLimits = ..., **options: str) -> Dataset: ...


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
def refusal(store: Store) -> Callable[..., str]:
    """The message with which files are refused; never anything but a DatasetError."""

    def refusal(files: Files, limits: DatasetLimits = DEFAULT, **options: str) -> str:
        with pytest.raises(DatasetError) as raised:
            store(files, limits, **options)
        assert all(fault.detail for fault in raised.value.faults)
        return str(raised.value)

    return refusal


@pytest.fixture
def idx() -> Callable[..., bytes]:
    codes = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}

    def idx(values: object, kind: str = "u1") -> bytes:
        array = np.asarray(values, dtype=">" + kind)
        dims = b"".join(length.to_bytes(4, "big") for length in array.shape)
        return bytes([0, 0, codes[kind], array.ndim]) + dims + array.tobytes()

    return idx


@pytest.fixture
def zipped() -> Callable[..., bytes]:
    def zipped(files: Files, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", compression) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return data.getvalue()

    return zipped


@pytest.fixture
def gz() -> Callable[[bytes], bytes]:
    return gzip.compress


Add = Callable[..., dict[str, Any]]


@pytest.fixture
def add(store: Callable[..., Any]) -> Add:
    """Stores files as a dataset."""

    def add_one(files: Mapping[str, bytes], **query: str) -> dict[str, Any]:
        stored = store(files, **query)
        return {**stored.manifest.model_dump(mode="json"), "arrays": stored.arrays}

    return add_one


@pytest.fixture
def details(store: Callable[..., Any]) -> Callable[..., list[str]]:
    """The sentences with which files are refused."""

    def refused(files: Mapping[str, bytes], **query: str) -> list[str]:
        with pytest.raises(DatasetError) as raised:
            store(files, **query)
        return [fault.detail for fault in raised.value.faults]

    return refused
