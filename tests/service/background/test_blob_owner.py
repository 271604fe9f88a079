"""When a sweeper may delete, and how much: nothing if the records may not belong to the blob store."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
from structlog.testing import capture_logs

from pippin.blobs import Blobs
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Refusal, Store, connect
from pippin.store.blob_ownership import BlobOwnership
from service.background.sweeper import Sweeper
from tests.service.background.conftest import HASTY, Storage, sweep
from tests.service.conftest import MakeService
from tests.support.waiting import wait_for

ClaimDuringAClaim = Callable[[BlobOwnership], Refusal | None]


@pytest.fixture
def other(storage: Storage, tmp_path: Path) -> Iterator[Storage]:
    """Another, empty Redis over the same blobs."""
    with EmbeddedValkey(tmp_path / "other-home") as server, closing(Store(connect(server.url))) as opened:
        yield Storage(opened, storage.settings)


def claimed(sweeper: Sweeper) -> Sweeper:
    sweeper.claim()
    return sweeper


@pytest.fixture
def sweeper(storage: Storage) -> Sweeper:
    """A sweeper that has claimed the blobs for its Redis."""
    return claimed(storage.sweeper())


def sweep_repeatedly(sweeper: Sweeper) -> None:
    sweep(sweeper, 4)


def test_an_empty_store_is_claimed_and_swept(sweeper: Sweeper, storage: Storage) -> None:
    (orphan,) = storage.put_old(b"orphan")
    sweep_repeatedly(sweeper)
    assert storage.blobs.head(orphan) is None
    assert storage.refusal is None
    owner = json.loads((storage.settings.home / "blobs" / "pippin" / "owner.json").read_text())
    assert owner["owner"] == storage.store.blob_ledger.identity()


def test_an_emptied_redis_deletes_nothing(sweeper: Sweeper, storage: Storage) -> None:
    digests = storage.put_old(b"one", b"two", b"three")
    storage.name_models(*digests)
    sweep_repeatedly(sweeper)
    storage.store.redis.flushall()
    sweep_repeatedly(sweeper)
    sweep_repeatedly(storage.sweeper())
    assert storage.digests == set(digests)
    assert storage.refusal is Refusal.LOST


def test_a_redis_that_is_emptied_during_a_sweep_deletes_nothing(
    monkeypatch: pytest.MonkeyPatch, sweeper: Sweeper, storage: Storage
) -> None:
    storage.put_old(b"orphan")
    named = storage.put_old(b"one", b"two")
    sweeper.sweep()  # all blobs are unnamed and marked for deletion
    storage.name_models(*named)
    digests = storage.store.references.digests

    def emptied() -> Iterator[str]:
        storage.store.redis.flushall()
        return digests()

    monkeypatch.setattr(storage.store.references, "digests", emptied)
    sweep_repeatedly(sweeper)
    assert len(storage.digests) == 3


def test_redis_emptied_before_ownership_markers_deletes_nothing(storage: Storage) -> None:
    digests = storage.put_old(b"one", b"two", b"three")
    storage.sweeper().claim()
    # Records that are added afterwards do not allow deletion: the decision depends on the records at the start.
    added = storage.put_old(b"four", b"five", b"six", b"seven", b"eight")
    storage.name_models(*added)
    sweep_repeatedly(storage.sweeper())
    assert storage.digests == {*digests, *added}
    assert storage.refusal is Refusal.UNCLAIMED


def test_store_without_an_ownership_marker_is_claimed_when_all_is_named(storage: Storage) -> None:
    named = storage.put_old(b"one", b"two")
    storage.name_models(*named)
    sweeper = claimed(storage.sweeper())
    (orphan,) = storage.put_old(b"orphan")
    sweep_repeatedly(sweeper)
    assert storage.digests == set(named)
    assert storage.blobs.head(orphan) is None


def test_store_with_an_unnamed_blob_is_not_claimed(storage: Storage) -> None:
    # The unnamed blob may belong to another Redis that has not claimed the store either.
    named = storage.put_old(b"one", b"two", b"three")
    (foreign,) = storage.put_old(b"foreign")
    storage.name_models(*named)
    sweep_repeatedly(storage.sweeper())
    assert storage.digests == {*named, foreign}
    assert storage.refusal is Refusal.UNCLAIMED


def test_another_redis_over_the_same_store_deletes_nothing(storage: Storage, other: Storage) -> None:
    storage.sweeper().claim()
    digests = storage.put_old(b"one", b"two")
    storage.name_models(*digests)
    sweep_repeatedly(other.sweeper())
    assert storage.digests == set(digests)
    refusal = other.refusal
    assert refusal is Refusal.LOST
    # A Redis that owns another store is recognized as foreign.
    other.store.blob_ledger.draw_identity()
    sweep_repeatedly(other.sweeper())
    assert storage.digests == set(digests)
    assert other.refusal is Refusal.FOREIGN


def test_owner_deletes_nothing_while_another_redis_shares_the_store(storage: Storage, other: Storage) -> None:
    mine = claimed(storage.sweeper())
    other.sweeper().claim()
    (theirs,) = storage.put_old(b"theirs")
    other.name_models(theirs)
    sweep_repeatedly(mine)
    assert storage.blobs.head(theirs) is not None
    assert storage.refusal is Refusal.SHARED
    # The operator adopts the store, but the other Redis still uses it and is noticed again.
    storage.adopt()
    other.sweeper().claim()
    sweep_repeatedly(mine)
    assert storage.refusal is Refusal.SHARED
    storage.adopt()
    sweep_repeatedly(mine)
    assert storage.refusal is None
    assert storage.blobs.head(theirs) is None


def test_adoption_reenables_deletion_after_redis_was_emptied(sweeper: Sweeper, storage: Storage) -> None:
    storage.store.redis.flushall()
    sweep_repeatedly(sweeper)
    storage.adopt()
    sweep_repeatedly(sweeper)
    assert storage.refusal is None


@pytest.fixture
def claim_during_a_claim(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> ClaimDuringAClaim:
    """Claims the blobs for the storage; another ownership claims them meanwhile, without a refusal."""

    def claim(meanwhile: BlobOwnership) -> Refusal | None:
        draw = storage.store.blob_ledger.draw_identity

        def claim_meanwhile() -> str:
            assert meanwhile.claim().refusal is None
            return draw()

        monkeypatch.setattr(storage.store.blob_ledger, "draw_identity", claim_meanwhile)
        return BlobOwnership(storage.store, storage.blobs).claim().refusal

    return claim


def test_concurrent_claims_by_two_redis_leave_one_owner(
    other: Storage, claim_during_a_claim: ClaimDuringAClaim
) -> None:
    ownership = BlobOwnership(other.store, other.blobs)
    assert claim_during_a_claim(ownership) is Refusal.FOREIGN
    assert ownership.inspect().refusal is None


def test_concurrent_claims_by_services_on_one_redis_both_succeed(
    valkey_url: str, storage: Storage, claim_during_a_claim: ClaimDuringAClaim
) -> None:
    with closing(Store(connect(valkey_url))) as second:
        ownership = BlobOwnership(second, storage.blobs)
        assert (claim_during_a_claim(ownership), ownership.inspect().refusal) == (None, None)


def test_records_older_than_the_last_sweep_delete_nothing(valkey_url: str, sweeper: Sweeper, storage: Storage) -> None:
    (early,) = storage.put_old(b"early")
    storage.name_models(early)
    sweeper.sweep()
    binary = redis.Redis.from_url(valkey_url)
    snapshot = {key: binary.dump(key) for key in binary.keys("pippin:*")}
    late = storage.put_old(b"late", b"later")
    storage.name_models(early, *late)
    sweeper.sweep()
    binary.flushall()
    for key, value in snapshot.items():
        binary.restore(key, 0, value)
    binary.close()
    sweep_repeatedly(storage.sweeper())
    assert storage.digests == {early, *late}
    assert storage.refusal is Refusal.OUTDATED
    storage.adopt()
    sweep_repeatedly(storage.sweeper())
    assert storage.digests == {early}


def test_deletion_above_the_share_limit_needs_approval(storage: Storage) -> None:
    sweeper = claimed(storage.sweeper(sweep_max_blobs=3, sweep_max_share=0.5))
    digests = storage.put_old(*(bytes([n]) for n in range(10)))
    storage.name_models(*digests[:5])
    sweep_repeatedly(sweeper)
    assert storage.digests == set(digests[:5])  # half of them: allowed
    more = storage.put_old(*(bytes([n]) for n in range(100, 106)))
    sweep_repeatedly(sweeper)
    assert storage.digests == {*digests[:5], *more}  # 6 of 11: none
    assert storage.refusal is Refusal.LIMIT
    report = storage.store.blob_ledger.last_report()
    assert report is not None
    assert (report.blobs, report.unnamed, report.deleted) == (11, 6, 0)
    storage.store.blob_ledger.approve(6)
    sweep_repeatedly(sweeper)
    assert storage.digests == set(digests[:5])
    assert storage.store.blob_ledger.approved() == 0
    assert storage.refusal is None


def test_few_blobs_are_deleted_whatever_their_share(storage: Storage) -> None:
    sweeper = claimed(storage.sweeper(sweep_max_blobs=3, sweep_max_share=0))
    storage.put_old(b"1", b"2", b"3")
    sweep_repeatedly(sweeper)
    assert storage.digests == set()


def test_nothing_is_deleted_while_a_backup_holds_the_blobs(sweeper: Sweeper, storage: Storage) -> None:
    storage.put_old(b"orphan")
    assert storage.store.blob_ledger.hold("backup 1")
    assert not storage.store.blob_ledger.hold("backup 2")
    sweep_repeatedly(sweeper)
    assert len(storage.digests) == 1
    storage.store.blob_ledger.release("backup 2")
    sweep_repeatedly(sweeper)
    assert len(storage.digests) == 1
    storage.store.blob_ledger.release("backup 1")
    sweep_repeatedly(sweeper)
    assert storage.digests == set()


def test_hold_placed_during_a_sweep_stops_it(
    monkeypatch: pytest.MonkeyPatch, sweeper: Sweeper, storage: Storage
) -> None:
    storage.put_old(b"orphan")
    sweeper.sweep()
    entries = storage.blobs.entries

    def hold_meanwhile() -> Iterator[Any]:
        storage.store.blob_ledger.hold("backup 1")
        return entries()

    monkeypatch.setattr(storage.blobs, "entries", hold_meanwhile)
    sweep_repeatedly(sweeper)
    assert len(storage.digests) == 1


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 2, "owner": "x"}', b'{"format": 1, "owner": 7}', b"\xff"],
)
def test_unreadable_ownership_marker_deletes_nothing(damage: bytes, sweeper: Sweeper, storage: Storage) -> None:
    (orphan,) = storage.put_old(b"orphan")
    (storage.settings.home / "blobs" / "pippin" / "owner.json").write_bytes(damage)
    sweep_repeatedly(sweeper)
    assert storage.blobs.head(orphan) == 6
    assert storage.refusal in {Refusal.UNREADABLE, Refusal.FOREIGN}


def test_each_change_of_refusal_is_logged_once(sweeper: Sweeper, storage: Storage) -> None:
    storage.store.redis.flushall()
    with capture_logs() as lines:
        sweep_repeatedly(sweeper)
        storage.adopt()
        sweep_repeatedly(sweeper)
        storage.store.redis.flushall()
        sweep_repeatedly(sweeper)
    warnings = [(line["event"], line["reason"]) for line in lines if line["log_level"] == "warning"]
    assert warnings == [("no blobs are deleted", Refusal.LOST)] * 2


def test_metrics_export_the_refusal_reason(http: httpx2.Client, storage: Storage) -> None:
    storage.put_old(b"one")
    storage.sweeper().sweep()
    shown = http.get("/metrics").text
    assert 'pippin_sweep_refused{reason="unclaimed"} 1.0' in shown
    assert 'pippin_sweep_refused{reason="limit"} 0.0' in shown
    storage.adopt()
    storage.sweeper().sweep()
    shown = http.get("/metrics").text
    assert 'pippin_sweep_refused{reason="unclaimed"} 0.0' in shown
    assert "pippin_blobs_unnamed 1.0" in shown


def test_a_running_service_whose_redis_is_emptied_keeps_its_blobs(make_service: MakeService, store: Store) -> None:
    service = make_service(**HASTY)
    blobs = Blobs(service.settings.blobs_url)
    wait_for(lambda: list(store.references.digests()) != [], otherwise="the sample is not stored")
    (digest,) = store.references.digests()
    store.redis.flushall()

    def refused_after(moment: float) -> bool:
        report = store.blob_ledger.last_report()
        return report is not None and report.refusal is Refusal.LOST and report.at > moment

    wait_for(lambda: refused_after(0), otherwise="the sweeper does not refuse")
    for _ in range(3):
        wait_for(partial(refused_after, time.time()), otherwise="the sweeper does not go on")
    assert list(blobs.names()) == [digest]
    assert httpx2.get(f"{service.url}/metrics").text.count('pippin_sweep_refused{reason="lost"} 1.0') == 1
    # A service that restarts on the emptied Redis and adds records does not claim the store either.
    service.stop()
    service.start()
    wait_for(lambda: list(store.references.digests()) != [], otherwise="the sample is not stored again")
    now = time.time()
    wait_for(lambda: refused_after(now), otherwise="the sweeper does not refuse after a restart")
    assert list(blobs.names()) == [digest]
