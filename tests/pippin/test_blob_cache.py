import os
from pathlib import Path

import numpy as np
import pytest

from pippin import blob_cache
from pippin.blob_cache import BlobCache
from pippin.blobs import BlobError, BlobMissingError, Blobs
from pippin.datasets.arrays import open_arrays
from pippin.datasets.manifest import StoredManifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "datasets"


def _put(blobs: Blobs, prepared: StoredManifest, number: int) -> str:
    """A dataset like `prepared` with another digest; JSON may end in spaces."""
    content = b"".join(blobs.read(prepared.digest))
    length = int.from_bytes(content[:8], "little")
    padding = 8 * number
    return blobs.put_bytes(
        (length + padding).to_bytes(8, "little") + content[8 : 8 + length] + b" " * padding + content[8 + length :]
    )


def _entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_dataset_is_fetched_once(folder: Path, tmp_path: Path, prepared: StoredManifest, blobs: Blobs) -> None:
    own = Blobs((tmp_path / "blobs").as_uri())
    own.put_bytes(b"".join(blobs.read(prepared.digest)))
    cache = BlobCache(folder, 10**9, own)
    fetched = cache.arrays(prepared.digest)
    own.delete(prepared.digest)
    again = cache.arrays(prepared.digest)
    assert set(fetched) == {f"{split}/{name}" for split in ("train", "test", "long") for name in ("x", "label")}
    for name, array in fetched.items():
        np.testing.assert_array_equal(array, again[name])


def test_a_dataset_that_is_nowhere_is_missing(folder: Path, blobs: Blobs) -> None:
    with pytest.raises(BlobMissingError):
        BlobCache(folder, 10**9, blobs).arrays("sha256:" + "0" * 64)
    assert _entries(folder) == set()


def test_a_damaged_blob_does_not_enter(folder: Path, tmp_path: Path, blobs: Blobs, prepared: StoredManifest) -> None:
    digest = _put(blobs, prepared, 50)
    name = digest.removeprefix("sha256:")
    own = Blobs((tmp_path / "blobs").as_uri())
    own.put_bytes(b"".join(blobs.read(digest)))
    (tmp_path / "blobs" / name[:2] / name).write_bytes(b"other content")
    with pytest.raises(BlobError, match="damaged"):
        BlobCache(folder, 10**9, own).arrays(digest)
    assert _entries(folder) == set()


def test_the_dataset_used_longest_ago_makes_room(folder: Path, blobs: Blobs, prepared: StoredManifest) -> None:
    digests = [_put(blobs, prepared, number) for number in (1, 2, 3)]
    names = [digest.removeprefix("sha256:") for digest in digests]
    cache = BlobCache(folder, int(prepared.bytes * 2.5), blobs)
    for age, number in enumerate((0, 1)):
        cache.arrays(digests[number])
        os.utime(folder / names[number], (1_000 + age, 1_000 + age))
    # A look makes it the newest.
    cache.arrays(digests[0])
    cache.arrays(digests[2])
    assert _entries(folder) == {names[0], names[2]}


def test_a_dataset_larger_than_the_room_is_used_all_the_same(
    folder: Path, blobs: Blobs, prepared: StoredManifest
) -> None:
    cache = BlobCache(folder, 1, blobs)
    assert len(cache.arrays(prepared.digest)["train/x"]) == 300


def test_what_a_dead_worker_left_half_fetched_goes(folder: Path, blobs: Blobs, prepared: StoredManifest) -> None:
    for name, age in ((".fetch-old", 1_000), (".fetch-new", None)):
        (folder / name).mkdir(parents=True)
        (folder / name / "part").write_bytes(b"half")
        if age is not None:
            os.utime(folder / name, (age, age))
    BlobCache(folder, 10**9, blobs).arrays(prepared.digest)
    assert _entries(folder) == {".fetch-new", prepared.digest.removeprefix("sha256:")}


def test_a_dataset_that_another_worker_removes_at_the_wrong_moment_is_fetched_again(
    folder: Path, blobs: Blobs, prepared: StoredManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    removals = iter([True])

    def open_after_removal(path: Path) -> object:
        if next(removals, False):
            path.unlink()
        return open_arrays(path)

    monkeypatch.setattr(blob_cache, "open_arrays", open_after_removal)
    assert len(BlobCache(folder, 10**9, blobs).arrays(prepared.digest)["train/x"]) == 300
