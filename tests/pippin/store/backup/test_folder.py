"""The files of a backup: private, and refused as a whole if one is damaged."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.store.backup import BackupError
from tests.pippin.store.backup.conftest import Side, change_manifest


def test_backup_folder_is_private(source: Side, folder: Path) -> None:
    source.add_models(3)
    source.save(folder)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
@pytest.mark.parametrize("pattern", ["records-*.gz", "blobs-*.gz", "blobs/*/*"])
def test_damaged_backup_is_refused_before_anything_changes(
    target: Side, saved: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    damage(next(saved.glob(pattern)))
    with pytest.raises(BackupError, match=r"damaged|incomplete"):
        target.restore(saved)
    assert target.is_empty


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 1}', "is damaged"),
        ('{"format": 2, "pippin": "9.0"}', "has the format 2, made by Pippin 9.0; this one reads up to 1"),
        (None, "contains no complete backup"),
    ],
)
def test_unusable_manifest_is_refused(target: Side, saved: Path, text: str | None, why: str) -> None:
    manifest = saved / "manifest.json"
    manifest.unlink() if text is None else manifest.write_text(text)
    with pytest.raises(BackupError, match=why):
        target.restore(saved)
    assert target.contents() == {}


def test_manifest_cannot_name_a_file_outside_the_folder(source: Side, target: Side, folder: Path) -> None:
    source.save(folder)
    records = json.loads((folder / "manifest.json").read_text())["records"]
    change_manifest(folder, records=records | {"name": "../records-1.jsonl.gz"})
    with pytest.raises(BackupError, match="is damaged"):
        target.restore(folder)


def test_unknown_manifest_fields_are_ignored(source: Side, target: Side, saved: Path) -> None:
    change_manifest(saved, later={"a": 1})
    target.restore(saved)
    assert target.contents() == source.contents()


def test_folder_with_other_files_is_refused(source: Side, folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    with pytest.raises(BackupError, match=r"contains thesis\.tex, which is not part of a backup"):
        source.save(folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
