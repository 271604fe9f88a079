from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pippin.blobs import BlobDamagedError, Blobs
from pippin.blobs.cache import BlobCache
from pippin.datasets.mapped_arrays import map_arrays

X = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "blobs").as_uri())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path, blobs: Blobs) -> BlobCache:
    return BlobCache(folder, 10**9, blobs)


def test_the_arrays_of_a_dataset_are_mapped(cache: BlobCache, blobs: Blobs) -> None:
    arrays = map_arrays(cache, blobs.put_bytes(save({"train/x": X})))
    np.testing.assert_array_equal(arrays["train/x"], X)


def test_check_of_mapped_arrays_detects_a_changed_file(folder: Path, cache: BlobCache, blobs: Blobs) -> None:
    digest = blobs.put_bytes(save({"train/x": X}))
    path = folder / digest.removeprefix("sha256:")
    arrays = map_arrays(cache, digest)
    path.unlink()  # as another process that makes room: the mapped content stays
    arrays.check()
    arrays = map_arrays(cache, digest)
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with pytest.raises(BlobDamagedError, match="changed while it was in use"):
        arrays.check()
