from pathlib import Path

import pytest

from pippin.api.tokens import issue
from pippin.http.token_file import TokenFileError, read_token, write_token


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    return path


def test_token_is_read_without_the_newline(file: Path) -> None:
    text = issue("worker", None).text
    file.write_text(f"{text}\n")
    assert read_token(file) == text


def test_no_file_means_no_token() -> None:
    assert read_token(None) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_token_file_open_to_others_is_refused_with_the_chmod_command(file: Path, mode: int) -> None:
    text = issue("worker", None).text
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(TokenFileError, match=f"mode {mode:04o}.*chmod 600") as raised:
        read_token(file)
    assert text not in str(raised.value)


def test_missing_file_or_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match=r"PIPPIN_TOKEN_FILE .*away cannot be read: No such file"):
        read_token(tmp_path / "away")
    with pytest.raises(TokenFileError, match="cannot be read: Is a directory"):
        read_token(tmp_path)


def test_content_that_is_no_token_is_not_shown(file: Path) -> None:
    file.write_text("hunter2")
    with pytest.raises(TokenFileError, match="contains no token") as raised:
        read_token(file)
    assert "hunter2" not in str(raised.value)


def test_token_file_is_written_privately_and_never_overwritten(tmp_path: Path) -> None:
    path, text = tmp_path / "token", issue("admin", None).text
    write_token(path, text, "PIPPIN_ADMIN_TOKEN_FILE")
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_token(path) == text
    with pytest.raises(FileExistsError):
        write_token(path, issue("admin", None).text, "PIPPIN_ADMIN_TOKEN_FILE")
    assert read_token(path) == text
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(TokenFileError, match=r"PIPPIN_ADMIN_TOKEN_FILE .*cannot be created: No such file"):
        write_token(tmp_path / "away" / "token", text, "PIPPIN_ADMIN_TOKEN_FILE")
