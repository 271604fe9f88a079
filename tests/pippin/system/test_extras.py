"""Libraries that can be imported, and descriptions of import errors."""

from pathlib import Path

import pytest

from pippin.system.extras import import_fault


def test_importable_library_has_no_fault() -> None:
    assert import_fault("json.decoder") is None


def test_missing_library_is_named() -> None:
    assert import_fault("pippin_has_no_such") == "No module named 'pippin_has_no_such'"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("raise ImportError('its dylib is missing')", "its dylib is missing"),
        ("import os; os._exit(3)", "importing broken ended the interpreter (3)"),
        ("import os; os.abort()", "importing broken ended the interpreter (-6)"),
    ],
)
def test_broken_library_is_described(code: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert import_fault("broken") == fault


def test_file_in_the_current_folder_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stray.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert import_fault("stray") == "No module named 'stray'"
