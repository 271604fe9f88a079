import os
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
def digests(blobs: Blobs) -> list[str]:
    """Three blobs of a thousand bytes."""
    return [blobs.put_bytes(content) for content in CONTENTS]


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


def test_a_blob_is_fetched_once(folder: Path, blobs: Blobs, digests: list[str]) -> None:
    cache = BlobCache(folder, 10**9, blobs)
    assert cache.data(digests[1]) == CONTENTS[1]
    blobs.delete(digests[1])
    assert cache.data(digests[1]) == CONTENTS[1]


def test_absent_blob_is_missing(folder: Path, blobs: Blobs) -> None:
    with pytest.raises(BlobMissingError):
        BlobCache(folder, 10**9, blobs).data("sha256:" + "0" * 64)
    assert _entries(folder) == set()


def test_damaged_blob_is_not_cached(folder: Path, tmp_path: Path, blobs: Blobs, digests: list[str]) -> None:
    name = _name(digests[0])
    (tmp_path / "blobs" / name[:2] / name).write_bytes(b"other content")
    with pytest.raises(BlobError, match="damaged"):
        BlobCache(folder, 10**9, blobs).data(digests[0])
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


def test_partial_fetch_of_a_dead_process_is_removed(folder: Path, blobs: Blobs, digests: list[str]) -> None:
    (folder / ".fetch-dead").mkdir(parents=True)
    (folder / ".fetch-dead" / "part").write_bytes(b"half")
    with scratch_folder(folder, ".fetch-") as alive:
        BlobCache(folder, 10**9, blobs).data(digests[0])
        assert _entries(folder) == {alive.name, _name(digests[0])}


def test_blob_removed_by_another_process_is_fetched_again(folder: Path, blobs: Blobs, digests: list[str]) -> None:
    removals = iter([True])

    def read_after_removal(path: Path) -> bytes:
        if next(removals, False):
            path.unlink()
        return path.read_bytes()

    assert BlobCache(folder, 10**9, blobs).open(digests[0], read_after_removal) == CONTENTS[0]


@pytest.mark.parametrize("used_before", [True, False], ids=["used before", "first use"])
@pytest.mark.parametrize("truncated", [True, False], ids=["truncated", "inverted"])
def test_a_damaged_copy_is_fetched_again(
    folder: Path, blobs: Blobs, digests: list[str], *, used_before: bool, truncated: bool
) -> None:
    cache = BlobCache(folder, 10**9, blobs)
    cache.data(digests[1])
    path = folder / _name(digests[1])
    os.truncate(path, 10) if truncated else _invert(path)
    used = cache if used_before else BlobCache(folder, 10**9, blobs)
    assert used.data(digests[1]) == CONTENTS[1]


def test_a_damaged_copy_of_a_damaged_blob_is_not_delivered(
    folder: Path, tmp_path: Path, blobs: Blobs, digests: list[str]
) -> None:
    cache = BlobCache(folder, 10**9, blobs)
    cache.data(digests[1])
    name = _name(digests[1])
    for path in (folder / name, tmp_path / "blobs" / name[:2] / name):
        _invert(path)
    with pytest.raises(BlobDamagedError, match=name):
        cache.data(digests[1])
    assert _entries(folder) == set()


def test_copy_damaged_during_the_read_is_read_again(folder: Path, blobs: Blobs, digests: list[str]) -> None:
    damages = iter([True])

    def read_after_damage(path: Path) -> bytes:
        if next(damages, False):
            _invert(path)
        return path.read_bytes()

    assert BlobCache(folder, 10**9, blobs).open(digests[1], read_after_damage) == CONTENTS[1]


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


def test_unreadable_entry_is_fetched_again(folder: Path, blobs: Blobs, digests: list[str]) -> None:
    entry = folder / _name(digests[0])
    (entry / "a folder in its place").mkdir(parents=True)
    assert BlobCache(folder, 10**9, blobs).data(digests[0]) == CONTENTS[0]
    assert entry.is_file()
