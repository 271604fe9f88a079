"""`pippin backup` and `pippin restore` on the embedded server, running or not."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.blobs import Blobs
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect, keys
from pippin.store.blob_ownership import BlobOwnership
from tests.pippin.cli.conftest import Invoke

AtHome = Callable[[Path], Invoke]


def records_in(home: Path, number: int) -> None:
    """Records of models, and their blobs, in a home whose server has ended afterwards."""
    with EmbeddedValkey(home) as server:
        blobs = Blobs((home / "blobs").as_uri())
        store = Store(connect(server.url))
        BlobOwnership(store, blobs).claim()
        for each in range(number):
            digest = blobs.put_bytes(f"model {each}".encode())
            store.redis.zadd(keys.listing("default", "model"), {f"model_{each}": 0})
            record = json.dumps({"digest": digest})
            store.redis.hset(keys.record("default", "model", f"model_{each}"), "record", record)
        store.close()


@pytest.fixture
def at_home(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> AtHome:
    """Sets PIPPIN_HOME: `at_home(folder).ok("backup", "there")`."""
    monkeypatch.delenv("PIPPIN_REDIS_URL", raising=False)

    def set_home(home: Path) -> Invoke:
        monkeypatch.setenv("PIPPIN_HOME", str(home))
        return invoke

    return set_home


def test_stopped_home_is_backed_up_and_restored(at_home: AtHome, tmp_path: Path) -> None:
    old, new, folder = tmp_path / "old", tmp_path / "new", tmp_path / "backup"
    records_in(old, 3)
    counts = {"keys": 4, "blobs": 3, "bytes": 21, "copied": 3, "missing": []}
    assert at_home(old).json("backup", folder) == {"folder": str(folder), **counts}
    said = at_home(new).ok("restore", folder)
    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    assert "4 keys and 3 blobs of 21 B" in said
    assert "No blobs will be deleted" not in said
    assert "This Redis owns" not in said
    with EmbeddedValkey(new) as server:
        store = Store(connect(server.url))
        blobs = Blobs((new / "blobs").as_uri())
        assert set(store.references.digests()) == set(blobs.names())
        assert BlobOwnership(store, blobs).inspect().refusal is None
        store.close()
        # The server runs and is found through the home.
        assert "Redis already has records" in at_home(new).refused(3, "restore", folder)
        at_home(new).json("restore", folder, "--replace")
        at_home(new).ok("backup", tmp_path / "second")


def test_missing_blobs_give_exit_code_1(at_home: AtHome, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "backup"
    records_in(home, 2)
    blobs = Blobs((home / "blobs").as_uri())
    gone = next(blobs.names())
    blobs.delete(gone)
    saved = at_home(home)("backup", folder)
    assert saved.exit_code == 1
    assert gone in saved.stderr
    assert "2 keys" not in saved.stdout
    at_home(tmp_path / "new").ok("restore", folder)


def test_home_without_data_is_refused_and_not_created(at_home: AtHome, tmp_path: Path) -> None:
    assert "nothing to back up" in at_home(tmp_path / "typo").refused(4, "backup", tmp_path / "backup")
    assert not (tmp_path / "typo").exists()
    assert not (tmp_path / "backup").exists()


def test_restore_from_a_folder_without_a_backup_starts_no_server(at_home: AtHome, tmp_path: Path) -> None:
    refusal = at_home(tmp_path / "home").refused(3, "restore", tmp_path / "nowhere")
    assert refusal.count("\n") == 1
    assert "contains no complete backup" in refusal
    assert not (tmp_path / "home").exists()


def test_unreachable_redis_is_reported(at_home: AtHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", "redis://127.0.0.1:1/0")
    assert "cannot be reached" in at_home(tmp_path / "home").refused(4, "backup", tmp_path / "backup")
    assert not (tmp_path / "backup" / "manifest.json").exists()


def test_new_home_with_a_separate_redis_is_private(
    at_home: AtHome, tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, folder = tmp_path / "new", tmp_path / "backup"
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    at_home(tmp_path / "old").ok("backup", folder)
    at_home(new).ok("restore", folder)
    assert stat.S_IMODE(new.stat().st_mode) == 0o700


def test_home_open_to_others_is_refused(
    at_home: AtHome, tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    at_home(tmp_path / "old").ok("backup", tmp_path / "backup")
    new = tmp_path / "new"
    new.mkdir()
    new.chmod(0o755)
    refused = at_home(new)("restore", tmp_path / "backup")
    assert refused.exit_code != 0
    assert "chmod 700" in refused.stderr
    assert list(new.iterdir()) == []
