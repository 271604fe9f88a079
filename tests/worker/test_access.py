"""A worker's check of its access to the blobs before it takes jobs; with a live service: tests/system."""

from pathlib import Path
from typing import Any

import pytest
import structlog

from pippin.blobs import BlobError, behind_service
from pippin.http.token_file import TokenFileError
from pippin.settings import Settings
from pippin.store import Refused, StoreUnavailable
from pippin.system.retry import Backoff
from worker.access import check_access, retry_unavailable


def test_unavailable_store_is_retried_until_it_answers() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise StoreUnavailable("away")
        return "answer"

    assert retry_unavailable(ask, 30) == "answer"
    assert len(asked) == 3


def test_retries_end_after_the_given_seconds() -> None:
    def ask() -> None:
        raise StoreUnavailable("away for good")

    with pytest.raises(StoreUnavailable, match="away for good"):
        retry_unavailable(ask, 0.05)


def test_a_refusal_is_not_retried() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise Refused("no")

    with pytest.raises(Refused):
        retry_unavailable(ask, 30)
    assert len(asked) == 1


def test_unreachable_service_is_logged_and_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind_service, "backoff", lambda: Backoff(tries=1))
    with structlog.testing.capture_logs() as logged:
        check_access(Settings(home=tmp_path, blobs_url="http://127.0.0.1:1"))
    assert [line["event"] for line in logged] == ["the blobs cannot be reached yet; retrying"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"blobs_url": "http://"}, BlobError),
        ({"blobs_url": "http://127.0.0.1:1", "token_file": Path("/nowhere/token")}, TokenFileError),
    ],
)
def test_unusable_settings_are_refused(tmp_path: Path, changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        check_access(Settings(home=tmp_path, **changes))


def test_blobs_in_a_folder_need_no_token(tmp_path: Path) -> None:
    check_access(Settings(home=tmp_path, token_file=Path("/nowhere/token")))
