"""What a worker learns of the service's blobs before it takes jobs; with a live service: tests/system."""

from pathlib import Path
from typing import Any

import pytest
import structlog

from pippin.blobs import BlobError, behind_service
from pippin.http.token_file import TokenFileError
from pippin.settings import Settings
from pippin.system.retry import Backoff
from worker.blob_access import ask_for_access


def test_a_service_that_is_away_is_warned_of_and_may_be_back_for_the_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behind_service, "backoff", lambda: Backoff(tries=1))
    with structlog.testing.capture_logs() as logged:
        ask_for_access(Settings(home=tmp_path, blobs_url="http://127.0.0.1:1"))
    assert [line["event"] for line in logged] == ["the blobs cannot be reached yet"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"blobs_url": "http://"}, BlobError),
        ({"blobs_url": "http://127.0.0.1:1", "token_file": Path("/nowhere/token")}, TokenFileError),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask_for_access(Settings(home=tmp_path, **changes))


def test_a_folder_asks_for_no_token(tmp_path: Path) -> None:
    ask_for_access(Settings(home=tmp_path, token_file=Path("/nowhere/token")))
