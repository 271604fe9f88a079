import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.blobs import BlobDamagedError, BlobError, BlobMissingError, Blobs
from pippin.blobs.cache import BlobCache
from pippin.system.folders import scratch_folder

CONTENTS = [bytes([number]) * 1_000 for number in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "blobs").as_uri())


@pytest.fixture
def cache(folder: Path, blobs: Blobs) -> BlobCache:
    return BlobCache(folder, 10**9, blobs)


@pytest.fixture
def digests(blobs: Blobs) -> list[str]:
    """Three blobs of a thousand bytes."""
    return [blobs.put_bytes(content) for content in CONTENTS]


@pytest.fixture
def stored(tmp_path: Path, digests: list[str]) -> Path:
    """The file of the first blob in the store."""
    return tmp_path / "blobs" / _name(digests[0])[:2] / _name(digests[0])


@pytest.fixture
def copy(folder: Path, digests: list[str]) -> Path:
    """The file of the first blob in the cache."""
    return folder / _name(digests[0])


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".used"}


def _invert(path: Path) -> None:
    """Invert the file's content in place; size and modification time stay the same."""
    before = path.stat()
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.write(bytes(255 - byte for byte in content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_blob_is_fetched_once(cache: BlobCache, blobs: Blobs, digests: list[str]) -> None:
    assert cache.data(digests[1]) == CONTENTS[1]
    blobs.delete(digests[1])
    assert cache.data(digests[1]) == CONTENTS[1]


def test_absent_blob_is_missing(folder: Path, cache: BlobCache) -> None:
    with pytest.raises(BlobMissingError):
        cache.data("sha256:" + "0" * 64)
    assert _entries(folder) == set()


def test_damaged_blob_is_not_cached(folder: Path, cache: BlobCache, stored: Path, digests: list[str]) -> None:
    stored.write_bytes(b"other content")
    with pytest.raises(BlobError, match="damaged"):
        cache.data(digests[0])
    assert _entries(folder) == set()


def test_least_recently_used_blob_is_evicted(folder: Path, blobs: Blobs, digests: list[str]) -> None:
    cache = BlobCache(folder, 2_500, blobs)
    for age, number in enumerate((0, 1)):
        cache.data(digests[number])
        os.utime(folder / ".used" / _name(digests[number]), (1_000 + age, 1_000 + age))
    # A read makes it the most recently used.
    cache.data(digests[0])
    cache.data(digests[2])
    assert _entries(folder) == {_name(digests[0]), _name(digests[2])}


def test_blob_larger_than_the_cache_can_be_used(folder: Path, blobs: Blobs, digests: list[str]) -> None:
    assert BlobCache(folder, 1, blobs).data(digests[0]) == CONTENTS[0]


def test_partial_fetch_of_a_dead_process_is_removed(folder: Path, cache: BlobCache, digests: list[str]) -> None:
    (folder / ".fetch-dead").mkdir(parents=True)
    (folder / ".fetch-dead" / "part").write_bytes(b"half")
    with scratch_folder(folder, ".fetch-") as alive:
        cache.data(digests[0])
        assert _entries(folder) == {alive.name, _name(digests[0])}


@pytest.mark.parametrize("harm", [Path.unlink, _invert], ids=["removed", "damaged"])
def test_copy_harmed_by_another_process_during_the_read_is_fetched_again(
    cache: BlobCache, digests: list[str], harm: Callable[[Path], None]
) -> None:
    harms = iter([harm])

    def read_after_harm(path: Path) -> bytes:
        for do in harms:
            do(path)
        return path.read_bytes()

    assert cache.open(digests[0], read_after_harm) == CONTENTS[0]


@pytest.mark.parametrize("used_before", [True, False], ids=["used before", "first use"])
@pytest.mark.parametrize("damage", [lambda path: os.truncate(path, 10), _invert], ids=["truncated", "inverted"])
def test_damaged_copy_is_fetched_again(
    *, cache: BlobCache, blobs: Blobs, digests: list[str], copy: Path, used_before: bool, damage: Callable[[Path], None]
) -> None:
    cache.data(digests[0])
    damage(copy)
    used = cache if used_before else BlobCache(copy.parent, 10**9, blobs)
    assert used.data(digests[0]) == CONTENTS[0]


def test_damaged_copy_of_a_damaged_blob_is_not_delivered(
    folder: Path, cache: BlobCache, digests: list[str], copy: Path, stored: Path
) -> None:
    cache.data(digests[0])
    for path in (copy, stored):
        _invert(path)
    with pytest.raises(BlobDamagedError, match=copy.name):
        cache.data(digests[0])
    assert _entries(folder) == set()


def test_verified_copy_is_not_hashed_again(
    folder: Path, blobs: Blobs, digests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    caches = [BlobCache(folder, 10**9, blobs) for _ in range(2)]
    for cache in caches:
        cache.data(digests[0])
    hashed: list[Path] = []
    monkeypatch.setattr("pippin.blobs.cache.digest_of", hashed.append)
    for cache in caches:
        assert cache.data(digests[0]) == CONTENTS[0]
    assert hashed == []


def test_unreadable_entry_is_fetched_again(cache: BlobCache, digests: list[str], copy: Path) -> None:
    (copy / "a folder in its place").mkdir(parents=True)
    assert cache.data(digests[0]) == CONTENTS[0]
    assert copy.is_file()
