"""`pippin backup` and `pippin restore` on the embedded server, running or not."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from pippin.blobs import Blobs
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect, keys
from pippin.store.blob_ownership import BlobOwnership

Invoke = Callable[..., Result]


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
def at_home(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command for a PIPPIN_HOME."""
    monkeypatch.delenv("PIPPIN_REDIS_URL", raising=False)

    def run(home: Path, *arguments: object) -> Result:
        monkeypatch.setenv("PIPPIN_HOME", str(home))
        return invoke(*arguments)

    return run


def test_stopped_home_is_backed_up_and_restored(at_home: Callable[..., Result], tmp_path: Path) -> None:
    old, new, folder = tmp_path / "old", tmp_path / "new", tmp_path / "backup"
    records_in(old, 3)
    saved = at_home(old, "backup", folder, "--json")
    assert saved.exit_code == 0, saved.output
    assert json.loads(saved.stdout) == {
        "folder": str(folder),
        "keys": 4,
        "blobs": 3,
        "bytes": 21,
        "copied": 3,
        "missing": [],
    }
    restored = at_home(new, "restore", folder)
    assert restored.exit_code == 0, restored.output
    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    assert "4 keys and 3 blobs of 21 B" in restored.stdout
    assert "No blobs will be deleted" not in restored.stdout
    assert "This Redis owns" not in restored.stdout
    with EmbeddedValkey(new) as server:
        store = Store(connect(server.url))
        blobs = Blobs((new / "blobs").as_uri())
        assert set(store.references.digests()) == set(blobs.names())
        assert BlobOwnership(store, blobs).inspect().refusal is None
        store.close()
        # The server runs and is found through the home.
        again = at_home(new, "restore", folder)
        assert again.exit_code == 3
        assert "Redis already has records" in again.stderr
        assert at_home(new, "restore", folder, "--replace", "--json").exit_code == 0
        assert at_home(new, "backup", tmp_path / "second").exit_code == 0


def test_missing_blobs_give_exit_code_1(at_home: Callable[..., Result], tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "backup"
    records_in(home, 2)
    blobs = Blobs((home / "blobs").as_uri())
    gone = next(blobs.names())
    blobs.delete(gone)
    saved = at_home(home, "backup", folder)
    assert saved.exit_code == 1
    assert gone in saved.stderr
    assert "2 keys" not in saved.stdout
    assert at_home(tmp_path / "new", "restore", folder).exit_code == 0


def test_home_without_data_is_refused_and_not_created(at_home: Callable[..., Result], tmp_path: Path) -> None:
    refused = at_home(tmp_path / "typo", "backup", tmp_path / "backup")
    assert refused.exit_code == 4
    assert "nothing to back up" in refused.stderr
    assert not (tmp_path / "typo").exists()
    assert not (tmp_path / "backup").exists()


def test_restore_from_a_folder_without_a_backup_starts_no_server(
    at_home: Callable[..., Result], tmp_path: Path
) -> None:
    refused = at_home(tmp_path / "home", "restore", tmp_path / "nowhere")
    assert refused.exit_code == 3
    assert refused.stderr.count("\n") == 1
    assert "contains no complete backup" in refused.stderr
    assert not (tmp_path / "home").exists()


def test_unreachable_redis_is_reported(
    at_home: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", "redis://127.0.0.1:1/0")
    refused = at_home(tmp_path / "home", "backup", tmp_path / "backup")
    assert refused.exit_code == 4
    assert "cannot be reached" in refused.stderr
    assert not (tmp_path / "backup" / "manifest.json").exists()


def test_new_home_with_a_separate_redis_is_private(
    at_home: Callable[..., Result], tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, folder = tmp_path / "new", tmp_path / "backup"
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    assert at_home(tmp_path / "old", "backup", folder).exit_code == 0
    restored = at_home(new, "restore", folder)
    assert restored.exit_code == 0, restored.output
    assert stat.S_IMODE(new.stat().st_mode) == 0o700


def test_home_open_to_others_is_refused(
    at_home: Callable[..., Result], tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    assert at_home(tmp_path / "old", "backup", tmp_path / "backup").exit_code == 0
    new = tmp_path / "new"
    new.mkdir()
    new.chmod(0o755)
    refused = at_home(new, "restore", tmp_path / "backup")
    assert refused.exit_code != 0
    assert "chmod 700" in refused.stderr
    assert list(new.iterdir()) == []
