"""When a sweeper may delete, and how much: nothing if the records may not belong to the blob store."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
from structlog.testing import capture_logs

from pippin.blobs import Blobs
from pippin.local.valkey import EmbeddedValkey
from pippin.settings import Settings
from pippin.store import Refusal, Store, connect
from pippin.store.blob_ownership import BlobOwnership
from service.background.sweeper import Sweeper
from tests.service.background.conftest import HASTY, MakeSweeper, PutOld, name_models, sweep
from tests.service.conftest import MakeService
from tests.support.waiting import wait_for

ClaimDuringAClaim = Callable[[BlobOwnership], Refusal | None]


@pytest.fixture
def other_store(tmp_path: Path) -> Iterator[Store]:
    """A store on another, empty Redis."""
    with EmbeddedValkey(tmp_path / "other-home") as server, closing(Store(connect(server.url))) as opened:
        yield opened


def claimed(sweeper: Sweeper) -> Sweeper:
    sweeper.claim()
    return sweeper


@pytest.fixture
def sweeper(make_sweeper: MakeSweeper) -> Sweeper:
    """A sweeper that has claimed the blob store for its Redis."""
    return claimed(make_sweeper())


def sweep_repeatedly(sweeper: Sweeper) -> None:
    sweep(sweeper, 4)


def refusal(store: Store) -> Refusal | None:
    report = store.blob_ledger.last_report()
    assert report is not None
    assert bool(report.detail) == bool(report.refusal)
    return report.refusal


def test_an_empty_store_is_claimed_and_swept(
    store: Store, blobs: Blobs, settings: Settings, sweeper: Sweeper, put_old: PutOld
) -> None:
    (orphan,) = put_old(b"orphan")
    sweep_repeatedly(sweeper)
    assert blobs.head(orphan) is None
    assert refusal(store) is None
    owner = json.loads((settings.home / "blobs" / "pippin" / "owner.json").read_text())
    assert owner["owner"] == store.blob_ledger.identity()


def test_an_emptied_redis_deletes_nothing(
    store: Store, blobs: Blobs, sweeper: Sweeper, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    digests = put_old(b"one", b"two", b"three")
    name_models(store, *digests)
    sweep_repeatedly(sweeper)
    store.redis.flushall()
    sweep_repeatedly(sweeper)
    sweep_repeatedly(make_sweeper())
    assert set(blobs.names()) == set(digests)
    assert refusal(store) is Refusal.LOST


def test_a_redis_that_is_emptied_during_a_sweep_deletes_nothing(
    store: Store, blobs: Blobs, monkeypatch: pytest.MonkeyPatch, sweeper: Sweeper, put_old: PutOld
) -> None:
    put_old(b"orphan")
    named = put_old(b"one", b"two")
    sweeper.sweep()  # all blobs are unnamed and marked for deletion
    name_models(store, *named)
    digests = store.references.digests

    def emptied() -> Iterator[str]:
        store.redis.flushall()
        return digests()

    monkeypatch.setattr(store.references, "digests", emptied)
    sweep_repeatedly(sweeper)
    assert len(list(blobs.names())) == 3


def test_redis_emptied_before_ownership_markers_deletes_nothing(
    store: Store, blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    digests = put_old(b"one", b"two", b"three")
    make_sweeper().claim()
    # Records that are added afterwards do not allow deletion: the decision depends on the records at the start.
    added = put_old(b"four", b"five", b"six", b"seven", b"eight")
    name_models(store, *added)
    sweep_repeatedly(make_sweeper())
    assert set(blobs.names()) == {*digests, *added}
    assert refusal(store) is Refusal.UNCLAIMED


def test_store_without_an_ownership_marker_is_claimed_when_all_is_named(
    store: Store, blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    named = put_old(b"one", b"two")
    name_models(store, *named)
    sweeper = claimed(make_sweeper())
    (orphan,) = put_old(b"orphan")
    sweep_repeatedly(sweeper)
    assert set(blobs.names()) == set(named)
    assert blobs.head(orphan) is None


def test_store_with_an_unnamed_blob_is_not_claimed(
    store: Store, blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    # The unnamed blob may belong to another Redis that has not claimed the store either.
    named = put_old(b"one", b"two", b"three")
    (foreign,) = put_old(b"foreign")
    name_models(store, *named)
    sweep_repeatedly(make_sweeper())
    assert set(blobs.names()) == {*named, foreign}
    assert refusal(store) is Refusal.UNCLAIMED


def test_another_redis_over_the_same_store_deletes_nothing(
    store: Store, other_store: Store, blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    make_sweeper().claim()
    digests = put_old(b"one", b"two")
    name_models(store, *digests)
    sweep_repeatedly(make_sweeper(other_store))
    assert set(blobs.names()) == set(digests)
    assert refusal(other_store) is Refusal.LOST
    # A Redis that owns another store is recognized as foreign.
    other_store.blob_ledger.draw_identity()
    sweep_repeatedly(make_sweeper(other_store))
    assert set(blobs.names()) == set(digests)
    assert refusal(other_store) is Refusal.FOREIGN


def test_owner_deletes_nothing_while_another_redis_shares_the_store(
    store: Store, other_store: Store, blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    mine = claimed(make_sweeper())
    make_sweeper(other_store).claim()
    (theirs,) = put_old(b"theirs")
    name_models(other_store, theirs)
    sweep_repeatedly(mine)
    assert blobs.head(theirs) is not None
    assert refusal(store) is Refusal.SHARED
    # The operator adopts the store, but the other Redis still uses it and is noticed again.
    BlobOwnership(store, blobs).adopt()
    make_sweeper(other_store).claim()
    sweep_repeatedly(mine)
    assert refusal(store) is Refusal.SHARED
    BlobOwnership(store, blobs).adopt()
    sweep_repeatedly(mine)
    assert refusal(store) is None
    assert blobs.head(theirs) is None


def test_adoption_reenables_deletion_after_redis_was_emptied(store: Store, blobs: Blobs, sweeper: Sweeper) -> None:
    store.redis.flushall()
    sweep_repeatedly(sweeper)
    BlobOwnership(store, blobs).adopt()
    sweep_repeatedly(sweeper)
    assert refusal(store) is None


@pytest.fixture
def claim_during_a_claim(store: Store, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> ClaimDuringAClaim:
    """Claims the blobs for the store; another ownership claims them meanwhile, without a refusal."""

    def claim(meanwhile: BlobOwnership) -> Refusal | None:
        draw = store.blob_ledger.draw_identity

        def claim_meanwhile() -> str:
            assert meanwhile.claim().refusal is None
            return draw()

        monkeypatch.setattr(store.blob_ledger, "draw_identity", claim_meanwhile)
        return BlobOwnership(store, blobs).claim().refusal

    return claim


def test_concurrent_claims_by_two_redis_leave_one_owner(
    other_store: Store, blobs: Blobs, claim_during_a_claim: ClaimDuringAClaim
) -> None:
    other = BlobOwnership(other_store, blobs)
    assert claim_during_a_claim(other) is Refusal.FOREIGN
    assert other.inspect().refusal is None


def test_concurrent_claims_by_services_on_one_redis_both_succeed(
    valkey_url: str, blobs: Blobs, claim_during_a_claim: ClaimDuringAClaim
) -> None:
    with closing(Store(connect(valkey_url))) as second:
        other = BlobOwnership(second, blobs)
        assert (claim_during_a_claim(other), other.inspect().refusal) == (None, None)


def test_records_older_than_the_last_sweep_delete_nothing(
    *, store: Store, valkey_url: str, blobs: Blobs, sweeper: Sweeper, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    (early,) = put_old(b"early")
    name_models(store, early)
    sweeper.sweep()
    binary = redis.Redis.from_url(valkey_url)
    snapshot = {key: binary.dump(key) for key in binary.keys("pippin:*")}
    late = put_old(b"late", b"later")
    name_models(store, early, *late)
    sweeper.sweep()
    binary.flushall()
    for key, value in snapshot.items():
        binary.restore(key, 0, value)
    binary.close()
    sweep_repeatedly(make_sweeper())
    assert set(blobs.names()) == {early, *late}
    assert refusal(store) is Refusal.OUTDATED
    BlobOwnership(store, blobs).adopt()
    sweep_repeatedly(make_sweeper())
    assert set(blobs.names()) == {early}


def test_deletion_above_the_share_limit_needs_approval(
    store: Store, blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    sweeper = claimed(make_sweeper(sweep_max_blobs=3, sweep_max_share=0.5))
    digests = put_old(*(bytes([n]) for n in range(10)))
    name_models(store, *digests[:5])
    sweep_repeatedly(sweeper)
    assert set(blobs.names()) == set(digests[:5])  # half of them: allowed
    more = put_old(*(bytes([n]) for n in range(100, 106)))
    sweep_repeatedly(sweeper)
    assert set(blobs.names()) == {*digests[:5], *more}  # 6 of 11: none
    assert refusal(store) is Refusal.LIMIT
    report = store.blob_ledger.last_report()
    assert report is not None
    assert (report.blobs, report.unnamed, report.deleted) == (11, 6, 0)
    store.blob_ledger.approve(6)
    sweep_repeatedly(sweeper)
    assert set(blobs.names()) == set(digests[:5])
    assert store.blob_ledger.approved() == 0
    assert refusal(store) is None


def test_few_blobs_are_deleted_whatever_their_share(blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper) -> None:
    sweeper = claimed(make_sweeper(sweep_max_blobs=3, sweep_max_share=0))
    put_old(b"1", b"2", b"3")
    sweep_repeatedly(sweeper)
    assert list(blobs.names()) == []


def test_nothing_is_deleted_while_a_backup_holds_the_blobs(
    store: Store, blobs: Blobs, sweeper: Sweeper, put_old: PutOld
) -> None:
    put_old(b"orphan")
    assert store.blob_ledger.hold("backup 1")
    assert not store.blob_ledger.hold("backup 2")
    sweep_repeatedly(sweeper)
    assert len(list(blobs.names())) == 1
    store.blob_ledger.release("backup 2")
    sweep_repeatedly(sweeper)
    assert len(list(blobs.names())) == 1
    store.blob_ledger.release("backup 1")
    sweep_repeatedly(sweeper)
    assert list(blobs.names()) == []


def test_hold_placed_during_a_sweep_stops_it(
    store: Store, blobs: Blobs, monkeypatch: pytest.MonkeyPatch, sweeper: Sweeper, put_old: PutOld
) -> None:
    put_old(b"orphan")
    sweeper.sweep()
    entries = blobs.entries

    def hold_meanwhile() -> Iterator[Any]:
        store.blob_ledger.hold("backup 1")
        return entries()

    monkeypatch.setattr(blobs, "entries", hold_meanwhile)
    sweep_repeatedly(sweeper)
    assert len(list(blobs.names())) == 1


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 2, "owner": "x"}', b'{"format": 1, "owner": 7}', b"\xff"],
)
def test_unreadable_ownership_marker_deletes_nothing(
    *, store: Store, blobs: Blobs, settings: Settings, damage: bytes, sweeper: Sweeper, put_old: PutOld
) -> None:
    (orphan,) = put_old(b"orphan")
    (settings.home / "blobs" / "pippin" / "owner.json").write_bytes(damage)
    sweep_repeatedly(sweeper)
    assert blobs.head(orphan) == 6
    assert refusal(store) in {Refusal.UNREADABLE, Refusal.FOREIGN}


def test_each_change_of_refusal_is_logged_once(store: Store, blobs: Blobs, sweeper: Sweeper) -> None:
    store.redis.flushall()
    with capture_logs() as lines:
        sweep_repeatedly(sweeper)
        BlobOwnership(store, blobs).adopt()
        sweep_repeatedly(sweeper)
        store.redis.flushall()
        sweep_repeatedly(sweeper)
    warnings = [(line["event"], line["reason"]) for line in lines if line["log_level"] == "warning"]
    assert warnings == [("no blobs are deleted", Refusal.LOST)] * 2


def test_metrics_export_the_refusal_reason(
    http: httpx2.Client, store: Store, blobs: Blobs, put_old: PutOld, make_sweeper: MakeSweeper
) -> None:
    put_old(b"one")
    make_sweeper().sweep()
    shown = http.get("/metrics").text
    assert 'pippin_sweep_refused{reason="unclaimed"} 1.0' in shown
    assert 'pippin_sweep_refused{reason="limit"} 0.0' in shown
    BlobOwnership(store, blobs).adopt()
    make_sweeper().sweep()
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
        now = time.time()
        wait_for(lambda now=now: refused_after(now), otherwise="the sweeper does not go on")
    assert list(blobs.names()) == [digest]
    assert httpx2.get(f"{service.url}/metrics").text.count('pippin_sweep_refused{reason="lost"} 1.0') == 1
    # A service that restarts on the emptied Redis and adds records does not claim the store either.
    service.stop()
    service.start()
    wait_for(lambda: list(store.references.digests()) != [], otherwise="the sample is not stored again")
    now = time.time()
    wait_for(lambda: refused_after(now), otherwise="the sweeper does not refuse after a restart")
    assert list(blobs.names()) == [digest]
