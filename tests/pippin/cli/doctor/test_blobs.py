"""The doctor's check of the blob store."""

import os
from pathlib import Path

import pytest

from pippin.cli.doctor.blobs import check_blobs
from pippin.cli.doctor.findings import Level
from pippin.system.retry import Backoff
from tests.conftest import Up
from tests.support.service_process import ServiceProcess


def test_blob_folder_is_checked_and_not_created(tmp_path: Path) -> None:
    there, absent = tmp_path / "a folder", tmp_path / "deep" / "er"
    there.mkdir()
    assert check_blobs(there.as_uri()).level is Level.OK
    assert str(there) in check_blobs(there.as_uri()).result
    assert check_blobs(absent.as_uri()).result == f"{absent} will be created"
    assert not absent.parent.exists()


def test_file_in_place_of_the_folder_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("file", "file/deeper"):
        finding = check_blobs((tmp_path / folder).as_uri())
        assert finding.level is Level.FAULT
        assert "PIPPIN_BLOBS_URL" in finding.advice


@pytest.mark.skipif(os.getuid() == 0, reason="root may use every folder")
def test_folder_without_permission_is_a_fault(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    finding = check_blobs(folder.as_uri())
    folder.chmod(0o700)
    assert finding.level is Level.FAULT
    assert "chown" in finding.advice


def test_unreachable_service_is_a_fault(unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.blobs.behind_service.backoff", lambda: Backoff(tries=1))
    finding = check_blobs(f"http://127.0.0.1:{unused_port}")
    assert finding.level is Level.FAULT
    assert "that the service runs" in finding.advice


def test_unreachable_bucket_is_a_fault(unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    finding = check_blobs("s3://models/of-ours")
    assert finding.level is Level.FAULT
    assert "AWS_ENDPOINT_URL" in finding.advice
    assert "s3cret" not in repr(finding)


def test_missing_or_exposed_token_is_a_fault_and_never_shown(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with ServiceProcess(tmp_path / "home") as service:
        secret = service.add_token("worker")
        token.write_text(secret)
        token.chmod(0o600)
        assert check_blobs(service.url, token).level is Level.OK
        refused = check_blobs(service.url)
        token.chmod(0o644)
        open_to_all = check_blobs(service.url, token)
    assert refused.level is Level.FAULT
    assert "PIPPIN_TOKEN_FILE" in refused.advice
    assert open_to_all.level is Level.FAULT
    assert "chmod 600" in open_to_all.result
    assert secret not in repr((refused, open_to_all))


def test_running_service_is_ok(running_up: Up) -> None:
    assert check_blobs(running_up.url).level is Level.OK
