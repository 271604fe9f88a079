"""The doctor's check of the blob store's owner."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from pippin.blobs import Blobs
from pippin.cli.doctor.blobs import check_owner
from pippin.cli.doctor.findings import Finding, Level
from pippin.settings import Settings
from pippin.store import Refusal, Store, SweepReport
from pippin.store.blob_ownership import BlobOwnership


@pytest.fixture
def settings(valkey_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", redis_url=SecretStr(valkey_url))


@pytest.fixture
def ownership(store: Store, settings: Settings) -> BlobOwnership:
    return BlobOwnership(store, Blobs(settings.blobs_url))


@pytest.fixture
def finding(settings: Settings) -> Callable[[], Finding]:
    def look() -> Finding:
        (found,) = check_owner(settings)
        return found

    return look


def test_absent_blob_folder_is_not_created(settings: Settings) -> None:
    assert list(check_owner(settings)) == []
    assert not (settings.home / "blobs").exists()


def test_blob_store_of_this_redis_is_ok(ownership: BlobOwnership, finding: Callable[[], Finding]) -> None:
    assert finding().level is Level.OK
    assert "no owner yet" in finding().result
    ownership.claim()
    assert finding().level is Level.OK
    assert "belongs to this Redis" in finding().result


def test_lost_records_are_a_fault(ownership: BlobOwnership, finding: Callable[[], Finding], store: Store) -> None:
    ownership.claim()
    store.redis.flushall()
    assert finding().level is Level.FAULT
    assert "has lost its records" in finding().result
    assert "pippin blobs adopt" in finding().advice
    store.blob_ledger.draw_identity()
    assert "belongs to the Redis" in finding().result


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_advice(
    ownership: BlobOwnership,
    finding: Callable[[], Finding],
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    refusal: Refusal,
) -> None:
    ownership.claim()
    if refusal is Refusal.LIMIT:
        store.blob_ledger.report(SweepReport(refusal=refusal, detail="too many", at=time.time()))
        assert finding().level is Level.WARNING
    else:
        store.blob_ledger.close("closed")
        verdict = type(ownership.inspect())(refusal, "closed")
        monkeypatch.setattr(BlobOwnership, "inspect", lambda _: verdict)
        assert finding().level is Level.FAULT
    assert finding().advice


def test_owner_is_not_checked_without_redis_or_local_blobs(settings: Settings, ownership: BlobOwnership) -> None:
    ownership.claim()
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    assert list(check_owner(away)) == []
    remote = settings.model_copy(update={"blobs_url": "https://pippin.example.com"})
    assert list(check_owner(remote)) == []
