"""Folders given to `pippin datasets add --from` and `pippin models add`."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.pippin.datasets.samples import PNG, picture

Invoke = Callable[..., Any]


@pytest.fixture
def with_service(invoke: Invoke, running_up: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs command lines against a service that is up."""
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    return invoke


def filled(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_files_beside_the_data_are_ignored_and_named(with_service: Invoke, tmp_path: Path) -> None:
    beside = {"README.md": b"#", ".git/HEAD": b"ref", ".DS_Store": b"x", "classes.txt": b"a\nb\n"}
    pictures = {"train/a/1.png": PNG, "train/b/1.JPG": picture(form="JPEG", orientation=6)}
    folder = filled(tmp_path / "pets", beside | pictures)
    done = with_service("datasets", "add", "pets-with-readme", "--from", folder)
    assert done.exit_code == 0, done.stderr
    assert "Note: 1 picture ('train/b/1.JPG') was rotated upright by the orientation in EXIF.\n" in done.stdout
    assert "Note: ignored 2 files beside the data: 'README.md', 'classes.txt'.\n" in done.stdout
    assert "Note: ignored 2 files beside the data: '.DS_Store', '.git/HEAD'.\n" in done.stdout


def test_tables_with_a_readme_are_read(with_service: Invoke, tmp_path: Path) -> None:
    folder = filled(tmp_path, {"train.csv": b"label,x\na,1\nb,2\n", "README.md": b"# About", ".git/HEAD": b"ref"})
    done = with_service("datasets", "add", "table-with-readme", "--from", folder)
    assert done.exit_code == 0, done.stderr
    assert "Note: ignored 1 file beside the data: 'README.md'.\n" in done.stdout


def test_pictures_without_a_class_are_refused(with_service: Invoke, tmp_path: Path) -> None:
    folder = filled(tmp_path, {"train/a/1.png": PNG, "train/b/1.png": PNG, "test/1.png": PNG})
    done = with_service("datasets", "add", "stray", "--from", folder)
    assert done.exit_code == 3
    assert "test/1.png is in a split but not in a class folder" in done.stderr


def test_mlpackage_is_refused_by_name(with_service: Invoke, tmp_path: Path) -> None:
    package = filled(tmp_path / "M.mlpackage", {"Manifest.json": b"{}", "Data/com.apple.CoreML/model.mlmodel": b"\x08"})
    for command in (("models", "add", package), ("datasets", "add", "m", "--from", package)):
        done = with_service(*command)
        assert done.exit_code == 2
        assert f"{package} is an .mlpackage; " in done.stderr
    other = with_service("models", "add", tmp_path)
    assert "is a folder; give a file" in other.stderr


def test_background_option_is_sent(with_service: Invoke, tmp_path: Path) -> None:
    folder = filled(tmp_path, {"a/1.png": PNG, "b/1.png": PNG})
    done = with_service("datasets", "add", "on-black", "--from", folder, "--background", "black")
    assert done.exit_code == 0, done.stderr
    refused = with_service("datasets", "add", "on-glass", "--from", folder, "--background", "glass")
    assert refused.exit_code == 3
    assert "give white, black, or any color as six hexadecimal digits" in refused.stderr
